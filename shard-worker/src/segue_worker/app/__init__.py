"""The worker put together: what the gateway says reaches the players, and their answers Discord."""
