"""History with other levers, on the page."""
