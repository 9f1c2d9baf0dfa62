"""Sound: reading it, changing it, and cutting it into Opus frames that players share."""
