"""REST v10: what a music bot calls, with Discord's answers, errors and rate limits."""

from __future__ import annotations
