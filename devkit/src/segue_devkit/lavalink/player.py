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
from segue_devkit.lavalink.errors import TrackError
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
_GAP_S: Final = 5.0
_SEEK_S: Final = 0.05
_TOO_EARLY: Final = TrackError(
    "Something went wrong when seeking to a position.",
    "fault",
    "java.lang.NullPointerException: the decoder of this Ogg file has no packets yet",
)
"""What lavaplayer says where an Ogg file is to start elsewhere than at its beginning."""
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
    decoded: bool = False


@dataclass(frozen=True, slots=True)
class _Seek:
    """A seek reports `target_ms` until it is carried out, then `before_ms` until a frame came."""

    before_ms: int = 0
    target_ms: int = 0
    until: float = 0.0


class Player:
    """Changed on the event loop; `provide` and `underrun` are called by the sender's thread."""

    def __init__(
        self, parts: PlayerParts, user_id: str, guild_id: int, emit: Callable[[dict[str, Any]], None]
    ) -> None:
        self.guild_id = str(guild_id)
        self._paused = False
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
        self._seek = _Seek()
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
    def paused(self) -> bool:
        """Whether it keeps still, with or without a track."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        self._wake()

    @property
    def active(self) -> bool:
        """Whether a track is under way and not paused."""
        return self._playing is not None and not self._paused

    @property
    def position_ms(self) -> int:
        """What a node reports: the place of the last frame taken, or of a seek just asked for.

        A player that is paused while it seeks, or starts paused elsewhere than at the beginning, therefore
        reports where it was before, or 0. Without a track it is 0 as well.
        """
        playback = self._playback
        if playback is None:
            return 0
        if playback.begun:
            return playback.position_ms
        return self._seek.target_ms if time.monotonic() < self._seek.until else self._seek.before_ms

    @property
    def last_minute(self) -> FrameFigures | None:
        """Frames in the last full minute of sending, if there was one."""
        current = time.monotonic() - self._minute.since < _MINUTE_S + _GAP_S
        return self._last_minute if current else None

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
        # An end that lies before the start is none.
        end_ms = None if end_ms is not None and end_ms <= start_ms else end_ms
        self._playing = _Playing(track, user_data, end_ms)
        self._asked = time.monotonic()
        self._seek = _Seek(0, start_ms, self._asked + _SEEK_S)
        self._cue(start_ms, broken=_TOO_EARLY if track.loses_count and start_ms > 0 else None)
        self._start_updates()
        self._event("TrackStartEvent", track=self._track_json())
        self.send_update()

    def stop(self) -> None:
        """End the track, if there is one."""
        if self._playing is not None:
            self._end("stopped")

    def seek(self, position_ms: int) -> None:
        """Go on from another place of the track."""
        target, playing, playback = max(0, position_ms), self._playing, self._playback
        if playing is None or playback is None:
            return
        self._seek = _Seek(self.position_ms, target, time.monotonic() + _SEEK_S)
        if playing.track.loses_count:
            playing.decoded = playing.decoded or playback.begun or playback.ready
            self._cue(target, target, broken=None if playing.decoded else _TOO_EARLY)
        else:
            self._cue(target)
        self.send_update()

    def set_volume(self, volume: int) -> None:
        """0 to 1000; beyond that it is clamped."""
        wanted = min(_MAX_VOLUME, max(0, volume))
        if wanted != self.volume:
            self.volume = wanted
            self._cue_again()

    def set_filters(self, wanted: Filters) -> None:
        """Set all filters at once."""
        self.filters = wanted
        if wanted.silent_names:
            _LOG.warning(
                "guild %s: filters not heard here: %s", self.guild_id, ", ".join(wanted.silent_names)
            )
        self._cue_again()
        self.send_update()

    def set_user_data(self, user_data: dict[str, Any]) -> None:
        """Replace the user data of the track under way."""
        if self._playing is not None:
            self._playing.user_data = user_data

    def set_end(self, end_ms: int | None) -> None:
        """Let the track end early, or not; an end that has passed is none."""
        if self._playing is not None and self._playback is not None:
            passed = end_ms is not None and end_ms <= self._playback.position_ms
            self._playing.end_ms = self._playback.stop_at = None if passed else end_ms

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
        if self.voice is not None and self.voice.takes_frames:
            # It would ask, were there something to ask for: a paused player's outlet is set aside.
            self._asked = now
        if self._playing is not None and now - self._asked > _CLEANUP_S:
            self._end("cleanup")

    # The sender's thread

    def provide(self, now: float) -> Provided:
        """The next frame for the voice connection."""
        self._asked = now
        self._count_minute(now)
        playback = self._playback
        if playback is None or self._paused:
            return None
        frame = playback.next(now)
        if isinstance(frame, bytes):
            self._minute.sent += 1
        return frame

    def underrun(self) -> None:
        """A frame was due and none was there."""
        self._minute.nulled += 1

    def _count_minute(self, now: float) -> None:
        passed = now - self._minute.since
        if passed >= _MINUTE_S:
            full = self._minute
            # Nobody was asked for a while: what was sent before and after that is no minute of sending.
            usable = full.sent and passed < _MINUTE_S + _GAP_S
            self._last_minute = FrameFigures(full.sent, full.nulled) if usable else None
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

    def _cue_again(self) -> None:
        """Go on where it is, as the settings of now say."""
        playback = self._playback
        if playback is not None:
            if playback.begun:
                self._seek = _Seek(playback.position_ms)
            self._cue(playback.place_ms, playback.origin_ms)

    def _cue(self, place_ms: int, origin_ms: int = 0, *, broken: TrackError | None = None) -> None:
        """Point the sender at a place of the track, played as the settings of now say."""
        if self._playing is None:
            return
        voicing, library = voicing_of(self.volume, self.filters), self._parts.library
        track = self._playing.track
        book = library.take(track, voicing) if broken is None else library.take_broken(track, broken)
        start = Playback.frame_at(place_ms, voicing.speed)
        playback = Playback(book, start, voicing.speed, self._parts.limits, self._tell, origin_ms=origin_ms)
        playback.stop_at = self._playing.end_ms
        before, self._playback = self._playback, playback
        playback.prepare(time.monotonic())
        if before is not None:
            self._parts.library.give_back(before.book)
        self._wake()

    def _wake(self) -> None:
        if self.voice is not None:
            self.voice.wake()

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
