"""Real servers out of Python wheels: Valkey and PostgreSQL, without a container engine or root.

Each is a context manager (also ``async with``) and a program of its own; both end by process id,
with whoever started them, and leave nothing behind.
"""
