"""The report's figures: Vega-Lite drawings, and the diagram of who drives whom."""
