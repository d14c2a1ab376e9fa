"""What became of the sources' claims, on the page."""
