"""What a contest is: its vocabulary, the engine under it, and the diagram derived from it."""
