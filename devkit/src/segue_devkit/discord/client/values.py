"""What the client hands out: frozen values read from /sim."""

from __future__ import annotations

from dataclasses import dataclass

from segue_devkit.discord.wire import Payload


@dataclass(frozen=True, slots=True)
class SimChannel:
    """A channel."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class SimVoiceState:
    """Somebody in a voice channel."""

    user_id: int
    name: str
    bot: bool
    channel_id: int
    self_mute: bool
    self_deaf: bool
    suppress: bool = False


@dataclass(frozen=True, slots=True)
class SimGuild:
    """A guild as it was when asked for."""

    id: int
    name: str
    region: str
    text_channels: tuple[SimChannel, ...]
    voice_channels: tuple[SimChannel, ...]
    voice_states: tuple[SimVoiceState, ...]
    stage_channels: tuple[SimChannel, ...] = ()

    @property
    def text_channel(self) -> SimChannel:
        """The first text channel."""
        return self.text_channels[0]

    @property
    def voice_channel(self) -> SimChannel:
        """The first voice channel."""
        return self.voice_channels[0]

    @classmethod
    def read(cls, data: Payload) -> SimGuild:
        """From JSON."""
        return cls(
            id=int(data["id"]),
            name=data["name"],
            region=data["region"],
            text_channels=tuple(SimChannel(int(each["id"]), each["name"]) for each in data["text_channels"]),
            voice_channels=tuple(
                SimChannel(int(each["id"]), each["name"]) for each in data["voice_channels"]
            ),
            voice_states=tuple(
                SimVoiceState(
                    int(each["user_id"]),
                    each["name"],
                    each["bot"],
                    int(each["channel_id"]),
                    each["self_mute"],
                    each["self_deaf"],
                    each["suppress"],
                )
                for each in data["voice_states"]
            ),
            stage_channels=tuple(
                SimChannel(int(each["id"]), each["name"]) for each in data["stage_channels"]
            ),
        )


@dataclass(frozen=True, slots=True)
class SimMessage:
    """A message as it was when asked for; ``raw`` is all of it as /sim shows it.

    ``edits`` counts edits after the first answer; ``ephemeral_for`` is the one person who sees it.
    """

    id: int
    channel_id: int
    author_id: int
    content: str
    embeds: tuple[Payload, ...]
    components: tuple[Payload, ...]
    edits: int
    loading: bool
    ephemeral_for: int | None
    raw: Payload

    @property
    def ephemeral(self) -> bool:
        """True if only one person sees it."""
        return self.ephemeral_for is not None

    @property
    def custom_ids(self) -> tuple[str, ...]:
        """What can be clicked: enabled components in order."""
        inner = [each for row in self.components for each in row["components"]]
        return tuple(each["custom_id"] for each in inner if "custom_id" in each and not each.get("disabled"))

    @property
    def text(self) -> str:
        """All that can be read in it: content, then titles, descriptions and fields of the embeds."""
        parts: list[str | None] = [self.content]
        for embed in self.embeds:
            parts += [embed.get("author", {}).get("name"), embed.get("title"), embed.get("description")]
            for field in embed.get("fields", []):
                parts += [field["name"], field["value"]]
            parts.append(embed.get("footer", {}).get("text"))
        return "\n".join(part for part in parts if part)

    @classmethod
    def read(cls, data: Payload) -> SimMessage:
        """From JSON."""
        viewer = data["ephemeral_for"]
        return cls(
            id=int(data["id"]),
            channel_id=int(data["channel_id"]),
            author_id=int(data["author"]["id"]),
            content=data["content"],
            embeds=tuple(data["embeds"]),
            components=tuple(data["components"]),
            edits=data["edits"],
            loading=data["loading"],
            ephemeral_for=None if viewer is None else int(viewer),
            raw=data,
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What an autocomplete proposes; ``value`` is what a slash command is then given."""

    name: str
    value: str | int | float


@dataclass(frozen=True, slots=True)
class Attachment:
    """An uploaded file, to be given to a slash option. ``url`` works for a day."""

    id: int
    filename: str
    content_type: str
    size: int
    url: str

    @classmethod
    def read(cls, data: Payload) -> Attachment:
        """From JSON."""
        return cls(int(data["id"]), data["filename"], data["content_type"], data["size"], data["url"])


@dataclass(frozen=True, slots=True)
class ModalField:
    """One input of a modal; ``raw`` is all of it. ``value`` is what it is filled with in advance."""

    custom_id: str
    label: str
    required: bool
    value: str
    raw: Payload


@dataclass(frozen=True, slots=True)
class Modal:
    """A form that an interaction (``asked``) opened."""

    asked: int
    custom_id: str
    title: str
    fields: tuple[ModalField, ...]

    @classmethod
    def read(cls, asked: int, data: Payload) -> Modal:
        """From JSON: text inputs in rows, anything under a label."""
        inputs = []
        for part in data["components"]:
            inputs += part.get("components", [])
            if "component" in part:
                inputs.append({**part["component"], "label": part["label"]})
        fields = tuple(
            ModalField(one["custom_id"], one["label"], one.get("required", True), one.get("value") or "", one)
            for one in inputs
        )
        return cls(asked, data["custom_id"], data["title"], fields)


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """One decrypted opus frame; ``at_ns`` is the kernel's arrival time on CLOCK_MONOTONIC."""

    at_ns: int
    ssrc: int
    timestamp: int
    opus: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole that ended with the arrival at ``at_ns``; the two flags are only ever set on wall gaps.

    ``after_silence``: the sender had said it stops. ``new_stream``: another voice connection went on.
    """

    at_ns: int
    ms: float
    after_silence: bool = False
    new_stream: bool = False


@dataclass(frozen=True, slots=True)
class SongPosition:
    """Read from the sound itself: song and position at the end of the frame that arrived at ``at_ns``."""

    song_id: int
    position_ms: float
    at_ns: int


@dataclass(frozen=True, slots=True)
class SinkReport:
    """What a guild's listeners heard since the start or the last reset (stamps in ns, CLOCK_MONOTONIC).

    ``media_gaps``: RTP time that never came. ``wall_gaps``: arrivals too far apart. ``timecode`` is None
    without a second of continuous sound from the catalogue. ``now_ns`` is when the report was made.
    """

    packets: int
    bytes: int
    silence_frames: int
    decrypt_failures: int
    reordered: int
    unannounced: int
    streams: int
    first_packet_ns: int | None
    first_sound_ns: int | None
    last_packet_ns: int | None
    last_sound_ns: int | None
    media_gap_count: int
    media_gap_ms: float
    wall_gap_count: int
    media_gaps: tuple[Gap, ...]
    wall_gaps: tuple[Gap, ...]
    timecode: SongPosition | None
    now_ns: int
    muted: int = 0
    lost: int = 0

    @property
    def unplanned_wall_gaps(self) -> tuple[Gap, ...]:
        """Wall gaps that no silence frame announced."""
        return tuple(each for each in self.wall_gaps if not each.after_silence)

    @classmethod
    def read(cls, data: Payload) -> SinkReport:
        """From JSON."""
        mark = data.get("timecode")
        gaps = {name: tuple(Gap(**each) for each in data[name]) for name in ("media_gaps", "wall_gaps")}
        return cls(**{**data, **gaps, "timecode": None if mark is None else SongPosition(**mark)})


@dataclass(frozen=True, slots=True)
class SimOverview:
    """Counts, and what the simulator itself costs: CPU seconds, lateness of its loop in the last minute."""

    bot_id: int
    bot_name: str
    guilds: int
    sessions: int
    rest_calls: int
    rest_invalid: int
    commands: tuple[str, ...]
    voice_endpoints: dict[str, str]
    voice_connections: int
    cpu_s: float
    loop_lag_p50_ms: float
    loop_lag_p99_ms: float
    rest_limited: int = 0

    @classmethod
    def read(cls, data: Payload) -> SimOverview:
        """From JSON."""
        bot = data.pop("bot")
        data["commands"] = tuple(data["commands"])
        return cls(bot_id=int(bot["id"]), bot_name=bot["name"], **data)


@dataclass(frozen=True, slots=True)
class GatewaySession:
    """A gateway session as the simulator sees it; ``compression`` is None while nobody is connected."""

    session_id: str
    shard_id: int
    num_shards: int
    intents: int
    seq: int
    connected: bool
    compression: str | None
    resumes: int
    started_ns: int


@dataclass(frozen=True, slots=True)
class Identify:
    """An IDENTIFY that was made; ``at_ns`` on CLOCK_MONOTONIC."""

    at_ns: int
    shard_id: int
    num_shards: int
    bucket: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class GatewayOverview:
    """All sessions that live, and every IDENTIFY ever made."""

    sessions: tuple[GatewaySession, ...]
    identifies: tuple[Identify, ...]

    def of_shard(self, shard_id: int) -> tuple[GatewaySession, ...]:
        """The sessions of one shard; more than one during a handoff."""
        return tuple(each for each in self.sessions if each.shard_id == shard_id)

    @classmethod
    def read(cls, data: Payload) -> GatewayOverview:
        """From JSON."""
        return cls(
            sessions=tuple(GatewaySession(**each) for each in data["sessions"]),
            identifies=tuple(Identify(**each) for each in data["identifies"]),
        )
