"""What matters most for an outcome (Sobol indices), and when something holds (boxes)."""
