"""What the players would choose, on the page."""
