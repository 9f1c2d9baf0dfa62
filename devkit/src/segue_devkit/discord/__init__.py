"""A Discord of our own: REST v10, gateway v10, voice gateway v8 and a UDP sink, as a server.

It shares no code with hikari, ongaku or any Segue service, so that a misunderstanding of the
protocol cannot be shared by both sides. What it imitates is listed in
docs/reference/discord-simulator.md: documented, seen, or assumed (and then a knob).

    python -m segue_devkit.discord --host 127.0.0.1 --port 8300 --tls-dir /tmp/tls

Tests talk to it as people do, through :class:`segue_devkit.discord.client.SimClient`.
"""

from __future__ import annotations
