"""What a guild's music does, and why: pure. No clock, no socket, no randomness in here."""
