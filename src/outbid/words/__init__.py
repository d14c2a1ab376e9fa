"""How numbers, chances and effects are put into words."""
