"""Decisions, without I/O: which region a voice server is in, how a node is, which nodes suit a guild."""
