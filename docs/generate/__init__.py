"""What the documentation gets from the package itself: the model's description, the commands, the modules, "
"examples."""
