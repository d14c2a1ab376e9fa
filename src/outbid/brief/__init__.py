"""From results to what the report shows and what summary.json holds; nothing is computed here but summaries."""
