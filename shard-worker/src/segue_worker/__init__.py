"""Holds Discord gateway shards and plays what their guilds ask for."""
