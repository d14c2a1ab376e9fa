"""Where moderation is a trap: a map over what outsiders offer and how the incumbent's ranks are made up."""
