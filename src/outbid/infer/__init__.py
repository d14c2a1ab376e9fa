"""Condition a model on a panel: likelihood, posterior, diagnostics."""
