"""What matters most, on the page."""
