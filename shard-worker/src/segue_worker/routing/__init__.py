"""Where a guild's audio lives: the audio router's client, and what we do without a router."""
