"""What the players would choose: their game over the draws."""
