"""The trap map, on the page."""
