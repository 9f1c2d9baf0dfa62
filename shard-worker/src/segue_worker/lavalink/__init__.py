"""Lavalink's side of the worker: node sessions of our own over the v4 protocol.

:mod:`.session` keeps one WebSocket a shard and node, :mod:`.rest` speaks HTTP, :mod:`.wire` turns what
the node says into values, :mod:`.pool` opens and closes sessions as players come and go.
"""
