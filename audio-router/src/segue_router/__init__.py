"""Decides which Lavalink node plays for which guild."""
