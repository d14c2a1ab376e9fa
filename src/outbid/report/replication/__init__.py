"""The report on a published game."""
