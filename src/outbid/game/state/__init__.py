"""The state's own equation, how it is measured from polls, and how sure that is."""
