"""Discord's error bodies: ``{"message", "code", "errors"?}`` and the codes a music bot meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_devkit.discord.wire import Payload


class ApiError(Exception):
    """An answer of REST that is no success."""

    def __init__(self, status: int, code: int, message: str, errors: Payload | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    @property
    def body(self) -> Payload:
        """The JSON body."""
        body: Payload = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def unauthorized() -> ApiError:
    """401 for a missing or wrong bot token."""
    return ApiError(401, 0, "401: Unauthorized")


def not_found() -> ApiError:
    """404 for a path that is no endpoint."""
    return ApiError(404, 0, "404: Not Found")


def unknown(code: int, what: str) -> ApiError:
    """404 with one of the 100xx codes."""
    return ApiError(404, code, f"Unknown {what}")


def unknown_channel() -> ApiError:
    """10003."""
    return unknown(10003, "Channel")


def unknown_guild() -> ApiError:
    """10004."""
    return unknown(10004, "Guild")


def unknown_message() -> ApiError:
    """10008."""
    return unknown(10008, "Message")


def unknown_webhook() -> ApiError:
    """10015: also what a token of an interaction answers that was not acknowledged yet."""
    return unknown(10015, "Webhook")


def unknown_interaction() -> ApiError:
    """10062: never existed, wrong token, or not acknowledged within three seconds."""
    return unknown(10062, "interaction")


def unknown_voice_state() -> ApiError:
    """10065."""
    return unknown(10065, "Voice State")


def too_large() -> ApiError:
    """40005: a file above the limit."""
    return ApiError(413, 40005, "Request entity too large")


def already_acknowledged() -> ApiError:
    """40060."""
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def missing_access() -> ApiError:
    """50001: the channel cannot be seen."""
    return ApiError(403, 50001, "Missing Access")


def cannot_message() -> ApiError:
    """50007."""
    return ApiError(403, 50007, "Cannot send messages to this user")


def wrong_channel_type() -> ApiError:
    """50024."""
    return ApiError(400, 50024, "Cannot execute action on this channel type")


def not_in_voice() -> ApiError:
    """40032."""
    return ApiError(400, 40032, "Target user is not connected to voice.")


def not_the_author() -> ApiError:
    """50005."""
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> ApiError:
    """50006."""
    return ApiError(400, 50006, "Cannot send an empty message")


def missing_permissions() -> ApiError:
    """50013."""
    return ApiError(403, 50013, "Missing Permissions")


def invalid_webhook_token() -> ApiError:
    """50027: the fifteen minutes of an interaction's token are over."""
    return ApiError(401, 50027, "Invalid Webhook Token")


def invalid_json() -> ApiError:
    """50109."""
    return ApiError(400, 50109, "The request body contains invalid JSON.")


class FormErrors:
    """Collects what is wrong with a body and where, in the tree that code 50035 carries."""

    def __init__(self) -> None:
        self._tree: Payload = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        """Note one fault at a path such as ``("embeds", 0, "title")``."""
        node = self._tree
        for part in path:
            node = node.setdefault(str(part), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def required(self, path: tuple[str | int, ...]) -> None:
        """A field that must be there is not."""
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def length(self, path: tuple[str | int, ...], low: int, high: int) -> None:
        """A string or list of a wrong length."""
        if low == 0:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        else:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def choice(self, path: tuple[str | int, ...], allowed: str) -> None:
        """A value outside an enumeration."""
        self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{allowed}}}.")

    def wrong_type(self, path: tuple[str | int, ...], wanted: str) -> None:
        """A value of another JSON type."""
        self.add(path, "BASE_TYPE_BAD_TYPE", f"Only {wanted} are allowed in this field.")

    @property
    def tree(self) -> Payload:
        """What was found; empty if the body is fine."""
        return self._tree

    def raise_if_any(self) -> None:
        """Raise 50035 with the tree, if anything was added."""
        if self._tree:
            raise ApiError(400, 50035, "Invalid Form Body", self._tree)
