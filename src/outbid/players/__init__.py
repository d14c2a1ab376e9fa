"""The players of a study over draws: what they want by what they did, their equilibria, scenarios in which they choose."""
