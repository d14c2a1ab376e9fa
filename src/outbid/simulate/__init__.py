"""Run a model forward: scenarios, and the engine that plays them over many draws at once."""
