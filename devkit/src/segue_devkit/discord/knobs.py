"""What can be set at run time.

Limits and times that Discord documents have its values as defaults and can be shortened for tests.
What nobody outside Discord can know is an enum with every plausible behaviour; each such knob is an
assumption and is named as one in docs/reference/discord-simulator.md.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class VoiceOnGatewayLoss(StrEnum):
    """What becomes of a voice connection when the gateway session it was made from has trouble."""

    SURVIVES = "survives"
    """It lives until the voice state itself is dropped."""
    DIES_WITH_SESSION = "dies_with_session"
    """Closed with 4014 when the session ends for good; a RESUME in time keeps it."""
    DIES_ON_DISCONNECT = "dies_on_disconnect"
    """Closed with 4014 as soon as the gateway socket is lost, resumed later or not."""


class VoiceEventOrder(StrEnum):
    """Which event comes first after op 4."""

    STATE_FIRST = "state_first"
    SERVER_FIRST = "server_first"


class Superseded(StrEnum):
    """What happens to a voice connection when a newer one for the same guild is made."""

    CLOSE = "close"
    """Closed with ``superseded_close_code``."""
    CUT = "cut"
    """Its TCP connection is cut, without a word."""
    SILENT = "silent"
    """Left open, but nothing it sends is heard."""


class VoiceReidentify(StrEnum):
    """Whether the same voice data is good for a second IDENTIFY (not RESUME)."""

    ACCEPT = "accept"
    REFUSE_OTHER_ADDRESS = "refuse_other_address"
    """4006 for a peer with another IP address than the first."""
    REFUSE = "refuse"
    """4006 for any second IDENTIFY: voice data is good once."""


class SupersededReturn(StrEnum):
    """What a node that was superseded can do with the same voice data, once it is back (it had hung)."""

    TAKES_BACK = "takes_back"
    """Its IDENTIFY or RESUME is accepted, and supersedes the newer connection in turn."""
    REFUSED = "refused"
    """4006 for its address, until there is other voice data."""


class BucketWindow(StrEnum):
    """How a REST bucket fills again."""

    SLIDING = "sliding"
    """One call at a time, each window/limit."""
    FIXED = "fixed"
    """All at once, when the window that began with the first call ends."""


class OpenResume(StrEnum):
    """What a RESUME of a gateway session brings while another socket carries it."""

    TAKES_OVER = "takes_over"
    """The other socket is closed with ``stolen_session_close_code``."""
    REFUSED = "refused"
    """INVALID_SESSION (false); the other goes on."""


class SameChannelJoin(StrEnum):
    """What op 4 into the channel the bot is already in brings."""

    STATE_ONLY = "state_only"
    STATE_AND_SERVER = "state_and_server"


@dataclass(slots=True)
class Knobs:
    """All settings of a running simulator. Times are ms unless the name says otherwise."""

    # Documented limits of the gateway.
    heartbeat_interval_ms: int = 41_250
    max_concurrency: int = 1
    identify_window_ms: int = 5_000
    session_start_total: int = 1_000
    session_start_reset_ms: int = 86_400_000
    gateway_sends: int = 120
    gateway_sends_window_ms: int = 60_000
    recommended_shards: int = 1
    allowed_privileged_intents: int = 0
    guilds_per_shard: int = 2_500
    # Assumed about the gateway.
    resumable_ms: int = 180_000
    replay_events: int = 5_000
    heartbeat_grace: float = 1.5
    heartbeat_close_code: int = 4009
    resume_of_open_session: OpenResume = OpenResume.TAKES_OVER
    stolen_session_close_code: int = 4000
    invalid_session_delay_ms: int = 0

    # Documented limits of the REST API.
    interaction_ack_ms: int = 3_000
    interaction_token_ms: int = 900_000
    rest_per_second: int = 50
    attachment_size_limit: int = 10_485_760
    attachment_url_ms: int = 86_400_000
    invalid_requests_limit: int = 10_000
    invalid_requests_window_ms: int = 600_000
    command_creates_per_day: int = 200
    # Seen at the REST API, or assumed: buckets are told in headers alone.
    bucket_window: BucketWindow = BucketWindow.SLIDING
    messages_per_window: int = 5
    messages_window_ms: int = 5_000
    webhook_per_window: int = 5
    webhook_window_ms: int = 2_000
    other_per_window: int = 50
    other_window_ms: int = 1_000
    invalid_ban_ms: int = 3_600_000

    # Assumed about voice; nobody outside Discord can know.
    voice_event_order: VoiceEventOrder = VoiceEventOrder.STATE_FIRST
    voice_server_delay_ms: int = 0
    voice_on_gateway_loss: VoiceOnGatewayLoss = VoiceOnGatewayLoss.SURVIVES
    voice_state_linger_ms: int = 60_000
    same_channel_join: SameChannelJoin = SameChannelJoin.STATE_ONLY
    move_changes_server: bool = False
    superseded: Superseded = Superseded.CLOSE
    superseded_close_code: int = 4006
    superseded_return: SupersededReturn = SupersededReturn.TAKES_BACK
    reidentify: VoiceReidentify = VoiceReidentify.ACCEPT
    kicked_close_code: int = 4014
    server_change_close_code: int = 4014
    voice_resumable_ms: int = 30_000
    # Documented of voice.
    voice_heartbeat_interval_ms: int = 13_750
    dave_required: bool = False

    # How the sink listens.
    wall_gap_ms: int = 60
    """Arrivals further apart than this are a wall gap (frames come every 20 ms)."""
    keep_audio_ms: int = 10_000

    # The network in between, injected.
    gateway_latency_ms: float = 0
    gateway_jitter_ms: float = 0
    gateway_loss: float = 0
    rest_latency_ms: float = 0
    rest_jitter_ms: float = 0
    voice_latency_ms: float = 0
    udp_latency_ms: float = 0
    udp_jitter_ms: float = 0
    udp_loss: float = 0
    retransmit_ms: float = 200
    """What a segment lost by TCP costs: Linux's least retransmission timeout."""

    def update(self, changes: Mapping[str, object]) -> None:
        """Set several at once, all or none.

        Raises:
            ValueError: a name that is no knob or a value of a wrong kind; the text names it.
        """
        checked = {name: self._coerced(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def _coerced(self, name: str, value: object) -> object:
        fields = {each.name for each in dataclasses.fields(self)}
        if name not in fields:
            raise ValueError(f"{name} is not a knob; there are: {', '.join(sorted(fields))}")
        current = getattr(self, name)
        if isinstance(current, StrEnum):
            kind = type(current)
            try:
                return kind(str(value))
            except ValueError:
                raise ValueError(f"{name} must be one of {', '.join(kind)}, not {value!r}") from None
        if isinstance(current, bool):
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false, not {value!r}")  # noqa: TRY004 - a bad value from JSON
            return value
        if name.endswith("_loss"):
            return _share(name, value)
        return _number(name, value, whole=name not in _FRACTIONAL)

    def as_dict(self) -> dict[str, object]:
        """Every knob by name, JSON-ready."""
        return dataclasses.asdict(self)


_FRACTIONAL: Final = frozenset(each.name for each in dataclasses.fields(Knobs) if each.type == "float")


def _share(name: str, value: object) -> float:
    number = _number(name, value, whole=False)
    if number > 1:
        raise ValueError(f"{name} must be a share from 0 to 1, not {value!r}")
    return number


def _number(name: str, value: object, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} must be a number not below 0, not {value!r}")
    if whole and not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return value
