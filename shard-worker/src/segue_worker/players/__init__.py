"""The guilds we play for: an ordered mailbox each, and the hands that carry decisions out.

:mod:`.registry` knows the shards we hold and their guilds, :mod:`.mailbox` orders what happens to one,
:mod:`.guild` turns messages into decisions and commits them, :mod:`.interpreter` performs the effects.
"""
