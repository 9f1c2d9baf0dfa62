"""The voice side: who may speak where, the voice gateway v8, and the sink that hears it."""

from __future__ import annotations
