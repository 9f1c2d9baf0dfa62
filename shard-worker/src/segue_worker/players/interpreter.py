"""Performs a guild's effects. Whatever takes time is a task of its own, and its result a message."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.domain.effects import (
    CancelTimer,
    Commit,
    DestroyPlayer,
    Effect,
    FindReplacement,
    Inform,
    LoadTracks,
    OfferSongs,
    PatchPlayer,
    Place,
    ReleasePlacement,
    Reply,
    SendVoiceState,
    SetTimer,
    ShowNowPlaying,
)
from segue_worker.domain.messages import Message, Patched, Placed, TimerFired
from segue_worker.domain.voice import TIMER as VOICE_TIMER
from segue_worker.lavalink.errors import NodeError, NodeRejectedError
from segue_worker.lavalink.rest import PlayerPatch
from segue_worker.lavalink.wire import TrackTag
from segue_worker.players.errands import Errands
from segue_worker.players.loading import load_tracks
from segue_worker.players.offering import offer_songs
from segue_worker.players.ports import PlaceQuery
from segue_worker.players.replacing import find_replacement
from segue_worker.players.screen import Screen
from segue_worker.shards.lease import LeaseLapsedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from segue_core.ids import GuildId, TierName
    from segue_worker.players.tools import ShardTools, Tools

_log = get_logger(__name__)

_VOICE_LANE: Final = "voice"
_PLACE_LANE: Final = "place"


class Interpreter:
    """One guild's hands: its timers, its message, and what is under way for it."""

    def __init__(
        self,
        guild: GuildId,
        tools: Tools,
        shard: ShardTools,
        post: Callable[[Message], object],
        on_quiet: Callable[[], None],
    ) -> None:
        self._guild = guild
        self._tools = tools
        self._shard = shard
        self._post = post
        self._errands = Errands(on_quiet)
        self._screen = Screen(tools.now_playing, post, on_quiet, tools.refreshes.take)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._once: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether anything is under way, or will fire."""
        return self._errands.busy or self._screen.busy or bool(self._timers)

    def perform(  # noqa: C901, PLR0912 - one line a kind of effect
        self, effect: Effect, *, tier: TierName, while_frozen: bool = False
    ) -> None:
        """Begin ``effect``; returns at once.

        Effects of one kind that depend on their order keep it: voice states, placements, and what is
        asked of one node.
        """
        match effect:
            case Commit():
                raise ValueError("a commit is not performed but written before everything else")
            case LoadTracks():
                self._run(effect, self._load(effect))
            case FindReplacement():
                self._run(effect, self._replace(effect))
            case OfferSongs():
                self._run(effect, self._offer(effect))
            case Place():
                self._run(effect, self._place(effect, tier), lane=_PLACE_LANE)
            case ReleasePlacement():
                self._run(effect, self._tools.placer.release(self._guild), lane=_PLACE_LANE)
            case SendVoiceState():
                self._run(effect, self._send_voice_state(effect), lane=_VOICE_LANE)
            case PatchPlayer():
                self._run(effect, self._patch(effect, while_frozen=while_frozen), lane=effect.node)
            case DestroyPlayer():
                self._run(effect, self._destroy(effect), lane=effect.node)
            case Reply():
                self._run(effect, self._reply(effect))
            case Inform():
                self._run(effect, self._inform(effect))
            case ShowNowPlaying():
                self._screen.show(effect)
            case SetTimer():
                self._set_timer(effect)
            case CancelTimer():
                self._cancel_timer(effect.name)

    def run_once(self, name: str, errand: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run ``errand`` unless one of this name runs already."""
        if name not in self._once:
            self._once.add(name)
            self._errands.run(self._only_once(name, errand))

    async def close(self, *, patience: float) -> None:
        """Stop timers; let what is under way finish for so many seconds, then end it."""
        for name in list(self._timers):
            self._cancel_timer(name)
        await self._errands.finish(patience)
        await self._screen.close(patience=patience)

    async def _only_once(self, name: str, errand: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await errand()
        finally:
            self._once.discard(name)

    def _run(self, effect: Effect, errand: Coroutine[None, None, None], *, lane: str | None = None) -> None:
        self._errands.run(self._measured(type(effect).__name__, errand), lane=lane)

    async def _measured(self, kind: str, errand: Coroutine[None, None, None]) -> None:
        started = time.monotonic()
        outcome = "failed"
        try:
            await errand
            outcome = "ok"
        finally:
            self._tools.meter.effect(kind, outcome, time.monotonic() - started)

    async def _load(self, effect: LoadTracks) -> None:
        self._post(await load_tracks(effect, self._guild, self._tools))

    async def _replace(self, effect: FindReplacement) -> None:
        self._post(await find_replacement(effect, self._guild, self._tools))

    async def _offer(self, effect: OfferSongs) -> None:
        view = await offer_songs(effect, self._guild, self._tools)
        await self._tools.replies.reply(self._guild, Reply(command=effect.command, view=view))

    async def _place(self, effect: Place, tier: TierName) -> None:
        placement = await self._shard.moves.place(
            PlaceQuery(
                guild=self._guild,
                shard=self._shard.lease.shard,
                endpoint=effect.endpoint,
                tier=tier,
                preferred=self._shard.pool.open_nodes(),
                excluded=effect.excluded,
            )
        )
        self._post(
            Placed(
                request=effect.request,
                node=placement.node,
                region=placement.region,
                detail=placement.detail,
            )
        )

    async def _send_voice_state(self, effect: SendVoiceState) -> None:
        await self._tools.voice.send_voice_state(self._guild, effect.channel, self_deaf=effect.self_deaf)

    async def _patch(self, effect: PatchPlayer, *, while_frozen: bool) -> None:
        error, rejected = "", False
        try:
            async with asyncio.timeout(self._tools.limits.patch):
                session = await self._shard.pool.session(effect.node)
                await session.patch(self._guild, _patch_of(effect), while_frozen=while_frozen)
        except (NodeError, LeaseLapsedError) as failure:
            error = str(failure)
            rejected = isinstance(failure, NodeRejectedError) and failure.status == HTTPStatus.BAD_REQUEST
        except TimeoutError:
            error = f"node {effect.node}: no answer in time"
        if error:
            _log.info("player.patch_failed", guild=self._guild, node=effect.node, why=error)
        self._post(
            Patched(
                request=effect.request,
                node=effect.node,
                generation=effect.generation,
                error=error,
                rejected=rejected,
            )
        )

    async def _destroy(self, effect: DestroyPlayer) -> None:
        session = self._shard.pool.existing(effect.node)
        if session is None:
            return  # with the session its players ended, or will
        try:
            await session.destroy(self._guild)
        except (NodeError, LeaseLapsedError) as failure:
            _log.info("player.destroy_failed", guild=self._guild, node=effect.node, why=str(failure))

    async def _reply(self, effect: Reply) -> None:
        await self._tools.replies.reply(self._guild, effect)
        self._tools.journal.finished(self._shard.lease, self._guild, effect.command)

    async def _inform(self, effect: Inform) -> None:
        view = await self._tools.informer.look(self._guild, effect)
        await self._reply(Reply(command=effect.command, view=view))

    def _set_timer(self, effect: SetTimer) -> None:
        self._cancel_timer(effect.name)
        loop = asyncio.get_running_loop()
        self._timers[effect.name] = loop.call_later(effect.delay_ms / 1000, self._fire, effect)

    def _fire(self, effect: SetTimer) -> None:
        if effect.name == VOICE_TIMER and self._errands.under_way(_VOICE_LANE):
            # Discord can't have answered what still waits for the shard's budget of sends: asking again
            # would only make the queue longer, and giving up would end music that plays on.
            self._set_timer(effect)
            return
        self._timers.pop(effect.name, None)
        self._post(TimerFired(name=effect.name, token=effect.token))

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


def _patch_of(effect: PatchPlayer) -> PlayerPatch:
    tag = None
    if effect.playing is not None:
        tag = TrackTag(item=effect.playing, generation=effect.generation, version=effect.version)
    return PlayerPatch(
        tag=tag,
        encoded=None if effect.item is None else effect.item.track.encoded,
        stop=effect.stop,
        position_ms=effect.position_ms,
        paused=effect.paused,
        volume=effect.volume,
        filters=effect.filters,
        voice=effect.voice,
    )
