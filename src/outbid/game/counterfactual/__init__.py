"""Other worlds: no rival, other costs, other values; and how play answers to each."""
