"""Make a published game again from its panel: estimate it, solve it, and hold every figure against the printed one."""
