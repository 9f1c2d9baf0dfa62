"""The gateway session a shard has: a value that another process can carry on with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from segue_core.ids import UserId
from segue_core.models import GatewaySession
from segue_worker.gateway.codes import API_VERSION, ENCODING
from segue_worker.gateway.errors import TransportError
from segue_worker.gateway.sequence import SequenceTracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session was opened with. A RESUME under other terms is refused or, worse, misunderstood."""

    num_shards: int
    intents: int

    def fit(self, session: GatewaySession) -> bool:
        """Whether ``session`` was opened under these terms."""
        return (
            session.num_shards == self.num_shards
            and session.intents == self.intents
            and session.api_version == API_VERSION
            and session.encoding == ENCODING
        )


class LiveSession:
    """A session together with how far its events were received and handled here."""

    def __init__(self, value: GatewaySession) -> None:
        self._value = value
        self.sequence = SequenceTracker(value.seq)

    @classmethod
    def opened(cls, ready: dict[str, Any], terms: Terms) -> LiveSession:
        """Return the session that READY announces.

        Raises:
            TransportError: when READY lacks the session.
        """
        try:
            return cls(
                GatewaySession(
                    session_id=str(ready["session_id"]),
                    seq=0,
                    resume_url=str(ready["resume_gateway_url"]),
                    user_id=UserId(int(ready["user"]["id"])),
                    num_shards=terms.num_shards,
                    intents=terms.intents,
                    api_version=API_VERSION,
                    encoding=ENCODING,
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TransportError(f"READY is not as documented: {error!r}") from error

    @property
    def user(self) -> UserId:
        """The bot's own user."""
        return self._value.user_id

    @property
    def resume_url(self) -> str:
        """Where Discord wants this session resumed."""
        return self._value.resume_url

    def checkpoint(self) -> GatewaySession:
        """Return what a successor resumes with: behind the last event that is safely handled."""
        return replace(self._value, seq=self.sequence.checkpoint)

    def newest(self) -> GatewaySession:
        """Return what this process resumes with: everything received here is being handled here."""
        return replace(self._value, seq=self.sequence.newest)
