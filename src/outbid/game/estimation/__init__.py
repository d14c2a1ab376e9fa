"""What players want, estimated from what they did where the state is known."""
