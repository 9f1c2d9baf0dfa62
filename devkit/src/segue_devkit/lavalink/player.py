"""A player: the track, settings and voice connection of one guild in one session."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.lavalink import filters as filter_module
from segue_devkit.lavalink.audio.library import Library
from segue_devkit.lavalink.audio.voicing import voicing_of
from segue_devkit.lavalink.playback import Happening, Limits, Playback
from segue_devkit.lavalink.tracks import Track
from segue_devkit.lavalink.voice.connection import VoiceClient, VoiceConnection, VoiceState

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.lavalink.filters import Filters
    from segue_devkit.lavalink.voice.sender import Provided

_LOG: Final = logging.getLogger("segue.lavalink.player")
_MAX_VOLUME: Final = 1000
_MINUTE_S: Final = 60
_CLEANUP_S: Final = 60.0
_NO_VOICE: Final = {"token": "", "endpoint": "", "sessionId": "", "channelId": None}


@dataclass(frozen=True, slots=True)
class PlayerParts:
    """What the players of a node share; intervals in milliseconds."""

    library: Library
    voice: VoiceClient
    limits: Limits
    update_ms: int
    stuck_ms: int


@dataclass(slots=True)
class _Minute:
    """Frames sent and missed, and when counting began."""

    since: float = 0.0
    sent: int = 0
    nulled: int = 0


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """Frames of one player in its last full minute."""

    sent: int
    nulled: int


@dataclass(slots=True)
class _Playing:
    track: Track
    user_data: dict[str, Any] = field(default_factory=dict)
    end_ms: int | None = None


class Player:
    """Changed on the event loop; `provide` and `underrun` are called by the sender's thread."""

    def __init__(
        self, parts: PlayerParts, user_id: str, guild_id: int, emit: Callable[[dict[str, Any]], None]
    ) -> None:
        self.guild_id = str(guild_id)
        self.paused = False
        self.volume = 100
        self.filters: Filters = filter_module.NONE
        self.voice: VoiceConnection | None = None
        self.voice_lock = asyncio.Lock()
        self.destroyed = asyncio.Event()
        self._parts = parts
        self._user_id = user_id
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._playing: _Playing | None = None
        self._playback: Playback | None = None
        self._updates: asyncio.TimerHandle | None = None
        self._asked = time.monotonic()
        self._minute = _Minute(time.monotonic())
        self._last_minute: FrameFigures | None = None

    # What it is

    @property
    def track(self) -> Track | None:
        """The track under way."""
        return self._playing.track if self._playing else None

    @property
    def active(self) -> bool:
        """Whether a track is under way and not paused."""
        return self._playing is not None and not self.paused

    @property
    def position_ms(self) -> int:
        """Where in the track the next frame comes from; 0 without a track."""
        return self._playback.position_ms if self._playback else 0

    @property
    def last_minute(self) -> FrameFigures | None:
        """Frames in the last full minute of sending, if there was one."""
        return self._last_minute

    def state(self) -> dict[str, Any]:
        """The state object of the protocol."""
        voice = self.voice
        return {
            "time": int(time.time() * 1000),
            "position": self.position_ms,
            "connected": voice.open if voice else False,
            "ping": voice.ping if voice else -1,
        }

    def to_json(self, position_ms: int | None = None) -> dict[str, Any]:
        """The player object of the protocol; another position where a seek is answered with the old one."""
        state = self.state()
        if position_ms is not None:
            state["position"] = position_ms
        return {
            "guildId": self.guild_id,
            "track": self._track_json(state["position"]),
            "volume": self.volume,
            "paused": self.paused,
            "state": state,
            "voice": self.voice.state.to_json() if self.voice else dict(_NO_VOICE),
            "filters": self.filters.echo,
        }

    def _track_json(self, position_ms: int | None = None) -> dict[str, Any] | None:
        if self._playing is None:
            return None
        place = self.position_ms if position_ms is None else position_ms
        return self._playing.track.at(place).to_json(self._playing.user_data)

    # Orders

    def play(self, track: Track, user_data: dict[str, Any], start_ms: int, end_ms: int | None) -> None:
        """Start a track, in place of the one under way."""
        if self._playing is not None:
            self._end("replaced")
        self._playing = _Playing(track, user_data, end_ms)
        self._asked = time.monotonic()
        self._cue(start_ms)
        self._start_updates()
        self._event("TrackStartEvent", track=self._track_json())
        self.send_update()

    def stop(self) -> None:
        """End the track, if there is one."""
        if self._playing is not None:
            self._end("stopped")

    def seek(self, position_ms: int) -> None:
        """Go on from another place of the track."""
        self._cue(max(0, position_ms))
        self.send_update()

    def set_volume(self, volume: int) -> None:
        """0 to 1000; beyond that it is clamped."""
        wanted = min(_MAX_VOLUME, max(0, volume))
        if wanted != self.volume:
            self.volume = wanted
            self._cue(self.position_ms)

    def set_filters(self, wanted: Filters) -> None:
        """Set all filters at once."""
        self.filters = wanted
        if wanted.silent_names:
            _LOG.warning(
                "guild %s: filters not heard here: %s", self.guild_id, ", ".join(wanted.silent_names)
            )
        self._cue(self.position_ms)
        self.send_update()

    def set_user_data(self, user_data: dict[str, Any]) -> None:
        """Replace the user data of the track under way."""
        if self._playing is not None:
            self._playing.user_data = user_data

    def set_end(self, end_ms: int | None) -> None:
        """Let the track end early, or not."""
        if self._playing is not None and self._playback is not None:
            self._playing.end_ms = self._playback.stop_at = end_ms

    async def connect(self, state: VoiceState) -> None:
        """Connect to a voice server, unless it is the one of now; raises as VoiceConnection.connect."""
        if self.voice is not None:
            if self.voice.open and self.voice.state == state:
                return
            before, self.voice = self.voice, None
            before.close(self)
        connection = VoiceConnection(self._parts.voice, self._user_id, self.guild_id, state)
        await connection.connect(self, self)
        if self.destroyed.is_set():
            connection.close()
            return
        self.voice = connection

    def destroy(self) -> None:
        """End track and voice; the player is gone afterwards."""
        self.destroyed.set()
        self.stop()
        voice, self.voice = self.voice, None
        if voice is not None:
            voice.close(self)

    def clean_up(self, now: float) -> None:
        """End a track that no voice connection has asked frames of for a minute."""
        if self._playing is not None and now - self._asked > _CLEANUP_S:
            self._end("cleanup")

    # The sender's thread

    def provide(self, now: float) -> Provided:
        """The next frame for the voice connection."""
        self._asked = now
        self._count_minute(now)
        playback = self._playback
        if playback is None or self.paused:
            return None
        frame = playback.next(now)
        if isinstance(frame, bytes):
            self._minute.sent += 1
        return frame

    def underrun(self) -> None:
        """A frame was due and none was there."""
        self._minute.nulled += 1

    def _count_minute(self, now: float) -> None:
        if now - self._minute.since >= _MINUTE_S:
            full = self._minute
            self._last_minute = FrameFigures(full.sent, full.nulled) if full.sent else None
            self._minute = _Minute(now)

    # What happens to it

    def voice_ready(self) -> None:
        """Voice packets flow."""
        self.send_update()

    def voice_closed(self, code: int, reason: str, *, by_remote: bool) -> None:
        """The voice connection ended."""
        self._event("WebSocketClosedEvent", code=code, reason=reason, byRemote=by_remote)
        self.send_update()

    def send_update(self) -> None:
        """Tell the client the state of now."""
        self._emit({"op": "playerUpdate", "state": self.state(), "guildId": self.guild_id})

    def _tell(self, playback: Playback, happening: Happening) -> None:
        self._loop.call_soon_threadsafe(self._happened, playback, happening)

    def _happened(self, playback: Playback, happening: Happening) -> None:
        if playback is not self._playback:
            return
        match happening:
            case Happening.FINISHED:
                self._end("finished")
            case Happening.STUCK:
                track = self._track_json()
                self._event("TrackStuckEvent", track=track, thresholdMs=self._parts.stuck_ms)
                self.send_update()
            case Happening.FAILED:
                error = playback.book.error
                if error is not None:
                    self._event("TrackExceptionEvent", track=self._track_json(), exception=error.to_json())
                self._end("loadFailed")

    def _cue(self, position_ms: float) -> None:
        """Point the sender at a place of the track, played as the settings of now say."""
        if self._playing is None:
            return
        voicing = voicing_of(self.volume, self.filters)
        book = self._parts.library.take(self._playing.track, voicing)
        start = Playback.frame_at(position_ms, voicing.speed)
        playback = Playback(book, start, voicing.speed, self._parts.limits, self._tell)
        playback.stop_at = self._playing.end_ms
        before, self._playback = self._playback, playback
        playback.prepare(time.monotonic())
        if before is not None:
            self._parts.library.give_back(before.book)

    def _end(self, reason: str) -> None:
        track = self._track_json()
        playback, self._playback, self._playing = self._playback, None, None
        if playback is not None:
            self._parts.library.give_back(playback.book)
        if self._updates is not None:
            self._updates.cancel()
            self._updates = None
        self._event("TrackEndEvent", track=track, reason=reason)

    def _event(self, kind: str, **fields: Any) -> None:
        self._emit({"op": "event", "type": kind, "guildId": self.guild_id, **fields})

    def _start_updates(self) -> None:
        self.send_update()
        self._updates = self._loop.call_later(self._parts.update_ms / 1000, self._update_again)

    def _update_again(self) -> None:
        self.send_update()
        self._updates = self._loop.call_later(self._parts.update_ms / 1000, self._update_again)
