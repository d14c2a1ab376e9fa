"""From draws to tables and verdicts."""
