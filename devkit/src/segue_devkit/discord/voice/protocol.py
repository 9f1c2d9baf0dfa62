"""The voice gateway's words, version 8: opcodes, close codes, and the error that closes a socket."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class VoiceOp(IntEnum):
    """Voice opcodes a music bot's node uses."""

    IDENTIFY = 0
    SELECT_PROTOCOL = 1
    READY = 2
    HEARTBEAT = 3
    SESSION_DESCRIPTION = 4
    SPEAKING = 5
    HEARTBEAT_ACK = 6
    RESUME = 7
    HELLO = 8
    RESUMED = 9
    VIDEO = 12
    MEDIA_SINK_WANTS = 15
    BACKEND_VERSION = 16


class VoiceClose(IntEnum):
    """Voice close codes."""

    NORMAL = 1000
    GOING_AWAY = 1001
    ABNORMAL = 1006
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    SESSION_INVALID = 4006
    SESSION_TIMEOUT = 4009
    SERVER_NOT_FOUND = 4011
    UNKNOWN_PROTOCOL = 4012
    DISCONNECTED = 4014
    SERVER_CRASHED = 4015
    UNKNOWN_ENCRYPTION_MODE = 4016
    DAVE_REQUIRED = 4017
    BAD_REQUEST = 4020
    RATE_LIMITED = 4021
    CALL_TERMINATED = 4022


ENDING: Final = frozenset(
    {
        VoiceClose.NORMAL,
        VoiceClose.AUTHENTICATION_FAILED,
        VoiceClose.SESSION_INVALID,
        VoiceClose.SERVER_NOT_FOUND,
        VoiceClose.DISCONNECTED,
        VoiceClose.RATE_LIMITED,
        VoiceClose.CALL_TERMINATED,
    }
)
"""Codes after which a voice session cannot be resumed. After the others a client tries op 7."""


class VoiceError(Exception):
    """The client broke a rule: the socket closes with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason
