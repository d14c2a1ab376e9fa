"""The command line."""

from outbid.cli.verbs import app, main

__all__ = ["app", "main"]
