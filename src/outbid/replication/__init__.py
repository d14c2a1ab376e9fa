"""A published game made again from its panel: estimated, solved, every figure held against the printed one, on one page."""
