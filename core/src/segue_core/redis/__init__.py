"""Everything Segue keeps in Redis: every key, its type, its lifetime and its Lua.

:mod:`segue_core.redis.keys` is the table of contents. Nothing else in Segue writes a key's name.
"""
