"""What the documentation gets from the package itself: the model's description, commands, modules, examples."""
