"""Gateway v10: sessions, limits, compression, and the sockets that carry them."""

from __future__ import annotations
