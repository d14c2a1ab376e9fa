"""Figures: their parts, and builders that several rooms share."""
