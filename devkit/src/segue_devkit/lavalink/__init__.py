"""A stand-in for a Lavalink 4.2.2 node: same protocol, same manners, music of our own.

Built from recordings of a real node (docs/reference/lavalink-stand-in.md lists what is as recorded and what
differs). Shares no code with the services that talk to it.
"""
