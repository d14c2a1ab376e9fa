"""Estimation where nobody has seen the state: it is summed out on the grid."""
