"""How courses compare, on the page."""
