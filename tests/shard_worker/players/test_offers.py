"""A search shows a list, a choice from it plays: real nodes, real Redis, and whoever comes later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from segue_core.ids import ShardId, UserId
from segue_worker.domain.messages import Verb
from segue_worker.domain.views import OfferView, Phrase
from tests.shard_worker.players.conftest import GUILD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_core.redis.leases import LeasePlane
    from segue_worker.domain.messages import Command
    from segue_worker.routing.client import Router
    from segue_worker.shards.lease import Lease
    from tests.shard_worker.conftest import NodeProcess
    from tests.shard_worker.players.conftest import Worker

    MakeWorker = Callable[..., Worker]
    Hold = Callable[[str], Awaitable[Lease]]
    Eventually = Callable[..., Awaitable[float]]
    Ann = Callable[..., Command]

SHARD = ShardId(0)


@pytest.fixture
async def node(
    start_node: Callable[[str], Awaitable[NodeProcess]],
    voice_server: str,
    publish: Callable[..., Awaitable[None]],
    router: Router,
) -> NodeProcess:
    """Return a node in the topology."""
    assert voice_server
    started = await start_node("us-east-0")
    await publish(started)
    assert await router.known(10)
    return started


@pytest.fixture
async def opened(node: NodeProcess, worker: MakeWorker, hold: Hold) -> Worker:
    """Return a worker that holds the shard."""
    assert node.address
    made = worker(await hold("worker-0/a"))
    await made.registry.open_shard(SHARD, made.lease, {})
    return made


async def search(made: Worker, ann: Ann, eventually: Eventually, words: str = "night") -> OfferView:
    """Let Ann search, and return the list she is shown."""
    before = len(made.discord.replies)
    assert made.registry.post(GUILD, ann(Verb.SEARCH, query=words))
    await eventually(lambda: len(made.discord.replies) > before)
    view = made.discord.replies[-1].view
    assert view.words.phrase is Phrase.OFFERED
    assert view.offer is not None
    return view.offer


def choice(ann: Ann, offer: OfferView, place: int) -> Command:
    """Return Ann's choice of the song at ``place``."""
    return replace(ann(Verb.PLAY), offer=offer.id, place=place)


async def phrase_of(made: Worker, command: Command, eventually: Eventually) -> Phrase:
    """Post a command and return how it was answered."""
    assert made.registry.post(GUILD, command)
    await eventually(lambda: any(reply.command == command.id for reply in made.discord.replies))
    return next(reply for reply in made.discord.replies if reply.command == command.id).view.words.phrase


async def test_a_list_is_shown_and_a_song_of_it_plays(
    opened: Worker, ann: Ann, eventually: Eventually
) -> None:
    """Searching joins nothing and commits nothing; the song chosen is the one at that place."""
    offer = await search(opened, ann, eventually)
    assert 1 < len(offer.tracks) <= 25
    assert opened.discord.voice == []
    assert await phrase_of(opened, choice(ann, offer, 2), eventually) is Phrase.PLAYING_NOW
    state = opened.registry.state(GUILD)
    assert state is not None
    assert state.current is not None
    assert state.current.track == offer.tracks[1]


async def test_a_choice_reaches_whoever_holds_the_shard_by_then(
    opened: Worker, worker: MakeWorker, hold: Hold, plane: LeasePlane, ann: Ann, eventually: Eventually
) -> None:
    """The list is in Redis: it can be chosen from after a takeover, and its song is queued once."""
    offer = await search(opened, ann, eventually)
    assert await plane.release(opened.lease.last_fence)
    successor = worker(await hold("worker-1/b"))
    await successor.registry.open_shard(SHARD, successor.lease, {})
    chosen = choice(ann, offer, 1)
    assert await phrase_of(successor, chosen, eventually) is Phrase.PLAYING_NOW
    assert await phrase_of(successor, replace(chosen, replayed=True), eventually) is Phrase.PLAYING_NOW
    state = successor.registry.state(GUILD)
    assert state is not None
    assert state.queue == ()


async def test_only_its_asker_can_choose(opened: Worker, ann: Ann, eventually: Eventually) -> None:
    """Somebody else who guesses the list's name gets words, and no song."""
    offer = await search(opened, ann, eventually)
    thief = replace(choice(ann, offer, 1), user=UserId(666))
    assert await phrase_of(opened, thief, eventually) is Phrase.NOT_THEIR_OFFER
    await eventually(lambda: opened.registry.state(GUILD) is None or not opened.registry.state(GUILD).live)  # type: ignore[union-attr]


async def test_a_list_that_is_gone_says_so(
    opened: Worker, ann: Ann, eventually: Eventually, redis: RedisClient, keys: Keys
) -> None:
    """After a quarter of an hour, or for a place it never had."""
    offer = await search(opened, ann, eventually)
    assert 0 < await redis.execute_command("PTTL", keys.cache("choices", offer.id)) <= 900_000
    assert await phrase_of(opened, choice(ann, offer, 26), eventually) is Phrase.OFFER_EXPIRED
    await redis.execute_command("DEL", keys.cache("choices", offer.id))
    assert await phrase_of(opened, choice(ann, offer, 1), eventually) is Phrase.OFFER_EXPIRED


async def test_links_and_failures_are_answered_in_words(
    opened: Worker, ann: Ann, eventually: Eventually, node: NodeProcess
) -> None:
    """A link is for /play; without a node there is a sentence and no list."""
    link = ann(Verb.SEARCH, query="https://www.youtube.com/watch?v=1")
    assert await phrase_of(opened, link, eventually) is Phrase.WORDS_ONLY
    node.kill()
    words = ann(Verb.SEARCH, query="something nobody asked for yet")
    assert await phrase_of(opened, words, eventually) is Phrase.NO_NODE
