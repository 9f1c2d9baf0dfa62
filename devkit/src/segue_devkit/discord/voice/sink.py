"""What a guild's listeners would have heard: counted packet by packet, and kept for a few seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from segue_devkit.discord.voice.rtp import FRAME_MS, FRAME_SAMPLES, SILENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.voice.rtp import RtpHeader

_HALF: Final = 1 << 31
_GAPS_KEPT: Final = 1_000
_SAMPLES_PER_MS: Final = 48


@dataclass(frozen=True, slots=True)
class MediaGap:
    """Sound that never came: RTP time skipped within one stream. Ends with the arrival at ``at_ns``."""

    at_ns: int
    ms: float


@dataclass(frozen=True, slots=True)
class WallGap:
    """Two arrivals further apart than the knob ``wall_gap_ms``.

    ``after_silence``: the sender had said by a silence frame that it stops (a pause, the end of a track).
    ``new_stream``: what came next came over another voice connection (a failover, a rejoin).
    """

    at_ns: int
    ms: float
    after_silence: bool
    new_stream: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One opus frame; ``at_ns`` is the kernel's arrival time on CLOCK_MONOTONIC."""

    at_ns: int
    ssrc: int
    timestamp: int
    opus: bytes


@dataclass(slots=True)
class Counts:
    """Everything counted since the start or the last reset."""

    packets: int = 0
    bytes: int = 0
    silence_frames: int = 0
    decrypt_failures: int = 0
    reordered: int = 0
    unannounced: int = 0
    """Frames that came before op 5 Speaking."""
    muted: int = 0
    """Frames of a sender that nobody may hear: suppressed, or muted by a moderator."""
    lost: int = 0
    """Packets that the knob ``udp_loss`` took away."""
    streams: int = 0
    first_packet_ns: int | None = None
    first_sound_ns: int | None = None
    """First frame that is no silence frame."""
    last_packet_ns: int | None = None
    last_sound_ns: int | None = None
    media_gap_count: int = 0
    media_gap_ms: float = 0.0
    wall_gap_count: int = 0
    media_gaps: deque[MediaGap] = field(default_factory=lambda: deque(maxlen=_GAPS_KEPT))
    wall_gaps: deque[WallGap] = field(default_factory=lambda: deque(maxlen=_GAPS_KEPT))


class GuildSink:
    """One guild's ear."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._ssrc: int | None = None
        self._timestamp = 0
        self._arrived_ns = 0
        self._silent = False
        self._listeners: list[Callable[[Frame], None]] = []
        self.counts = Counts()
        self.frames: deque[Frame] = deque(maxlen=max(1, knobs.keep_audio_ms // FRAME_MS))

    def reset(self) -> None:
        """Count from zero; the frames kept, and the place in the stream, stay."""
        self.counts = Counts()

    def subscribe(self, listener: Callable[[Frame], None]) -> Callable[[], None]:
        """Hear every frame from now on; returns the call that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def failed(self) -> None:
        """A packet that could not be decrypted."""
        self.counts.decrypt_failures += 1

    def silenced(self) -> None:
        """A packet that nobody may hear."""
        self.counts.muted += 1

    def lose(self) -> None:
        """A packet that the network lost."""
        self.counts.lost += 1

    def packet(self, header: RtpHeader, opus: bytes, size: int, at_ns: int, *, announced: bool) -> None:
        """Take in one frame."""
        counts = self.counts
        counts.packets += 1
        counts.bytes += size
        silent = opus == SILENCE
        if silent:
            counts.silence_frames += 1
        else:
            counts.first_sound_ns = counts.first_sound_ns or at_ns
            counts.last_sound_ns = at_ns
        if not announced:
            counts.unannounced += 1
        counts.first_packet_ns = counts.first_packet_ns or at_ns
        counts.last_packet_ns = at_ns
        if self._in_order(header, at_ns):
            self._silent = silent
            self._timestamp = header.timestamp
            self._ssrc = header.ssrc
            self._arrived_ns = at_ns
        frame = Frame(at_ns, header.ssrc, header.timestamp, opus)
        self.frames.append(frame)
        for listener in self._listeners:
            listener(frame)

    def _in_order(self, header: RtpHeader, at_ns: int) -> bool:
        """Look for gaps; False for a packet that came late and must not move the place in the stream."""
        counts = self.counts
        same = header.ssrc == self._ssrc
        if same:
            step = (header.timestamp - self._timestamp) & 0xFFFFFFFF
            if step >= _HALF or step == 0:
                counts.reordered += 1
                return False
            if step > FRAME_SAMPLES:
                missing = (step - FRAME_SAMPLES) / _SAMPLES_PER_MS
                counts.media_gap_count += 1
                counts.media_gap_ms += missing
                counts.media_gaps.append(MediaGap(at_ns, missing))
        else:
            counts.streams += 1
        if self._ssrc is not None:
            apart = (at_ns - self._arrived_ns) / 1e6
            if apart > self._knobs.wall_gap_ms:
                counts.wall_gap_count += 1
                counts.wall_gaps.append(WallGap(at_ns, apart, self._silent, not same))
        return True


class Sinks:
    """The sinks of all guilds, made when first needed."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._of: dict[int, GuildSink] = {}

    def of(self, guild_id: int) -> GuildSink:
        """The sink of a guild."""
        if guild_id not in self._of:
            self._of[guild_id] = GuildSink(self._knobs)
        return self._of[guild_id]

    def all(self) -> dict[int, GuildSink]:
        """All that ever heard something or were asked for."""
        return dict(self._of)
