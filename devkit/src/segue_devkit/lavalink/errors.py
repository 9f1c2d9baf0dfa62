"""Refusals, in the words and form of a Spring application."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any, Final

_THROWN: Final = {
    400: "org.springframework.web.server.ResponseStatusException",
    404: "org.springframework.web.server.ResponseStatusException",
    405: "org.springframework.web.HttpRequestMethodNotSupportedException",
    415: "org.springframework.web.HttpMediaTypeNotSupportedException",
    500: "java.lang.RuntimeException",
}


class ApiError(Exception):
    """A REST call that is answered with a status and a reason.

    Attributes:
        status: 400, 404, 405, 415 or 500.
        message: what the answer says.
        foreseen: whether the node answers it on purpose; what it did not foresee lacks its version's header.
    """

    def __init__(self, status: int, message: str, *, foreseen: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.foreseen = foreseen

    def body(self, path: str, *, trace: bool = False) -> dict[str, Any]:
        """The JSON of the answer; with a trace where the call asks for one."""
        error = HTTPStatus(self.status).phrase
        stack = f"{_THROWN.get(self.status, _THROWN[500])}: {self.message}\n\tat segue.standin\n"
        return {
            "timestamp": int(time.time() * 1000),
            "status": self.status,
            "error": error,
            **({"trace": stack} if trace else {}),
            "message": self.message,
            "path": path,
        }


def bad_request(message: str = "Bad Request") -> ApiError:
    """400: without a reason of its own where the JSON itself has the wrong shape."""
    return ApiError(400, message)


def not_found(what: str) -> ApiError:
    """404."""
    return ApiError(404, what)


def broken(message: str = "No message available") -> ApiError:
    """500 that nobody foresaw."""
    return ApiError(500, message, foreseen=False)


def no_voice() -> ApiError:
    """500 on purpose: the voice server does not shake hands."""
    return ApiError(500, "Failed to connect to voice server")


class TrackError(Exception):
    """A track can't be loaded or played.

    Attributes:
        severity: common, suspicious or fault.
        cause: the deepest reason, in the form "type: text" that a JVM prints.
    """

    def __init__(self, message: str, severity: str, cause: str) -> None:
        super().__init__(message)
        self.message = message
        self.severity = severity
        self.cause = cause

    def to_json(self) -> dict[str, Any]:
        """The exception object of events and load results."""
        return {
            "message": self.message,
            "severity": self.severity,
            "cause": self.cause,
            "causeStackTrace": f"{self.cause}\n\tat segue.standin\n",
        }
