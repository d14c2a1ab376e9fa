"""What to collect next, on the page."""
