"""The sources' claims put to the model: declared tests, what they find, and what is to be made of it."""
