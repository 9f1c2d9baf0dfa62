"""Tunes of our own: a seeded catalogue of little pieces that carry a readable timecode."""
