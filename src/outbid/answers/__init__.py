"""One question each, in order: what a study declares is put to what was learnt, under every prior set."""
