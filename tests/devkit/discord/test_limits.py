"""REST's limits: buckets with their headers, the global budget, invalid requests, ordered faults."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.discord.config import DEFAULT_TOKEN
from segue_devkit.discord.knobs import BucketWindow, Knobs
from segue_devkit.discord.rest.limits import Buckets, InvalidRequests, Rule, bucket_of, major_of

if TYPE_CHECKING:
    from segue_devkit.discord.client import SimClient, SimGuild

AUTHORIZED = {"Authorization": f"Bot {DEFAULT_TOKEN}"}
MS = 1_000_000


@pytest.fixture
async def guild(discord: SimClient) -> SimGuild:
    """A guild."""
    return await discord.guild("Vinyl Club", text_channels=2)


WINDOWS = st.sampled_from(list(BucketWindow))
STEPS = st.lists(st.integers(0, 20 * MS), min_size=1, max_size=60)


@given(limit=st.integers(1, 5), window_ms=st.integers(1, 50), steps=STEPS)
def test_a_fixed_window_lets_its_limit_through(limit: int, window_ms: int, steps: list[int]) -> None:
    """A window begins with its first call; what is told as remaining is let through, and no more."""
    buckets, now, rule = Buckets(), 10**12, Rule(limit, window_ms, BucketWindow.FIXED)
    started, allowed = now, 0
    for step in steps:
        now += step
        standing = buckets.take("b", "1", rule, now)
        if now - started >= window_ms * MS or allowed == 0:
            started, allowed = now, 0
        allowed += standing.allowed
        assert allowed <= limit
        assert standing.remaining == limit - allowed
        assert 0 < standing.reset_after_s <= window_ms / 1000


@given(limit=st.integers(1, 5), window_ms=st.integers(1, 50), steps=STEPS)
def test_a_sliding_window_leaks(limit: int, window_ms: int, steps: list[int]) -> None:
    """In any stretch no more than the limit and what came back meanwhile is let through."""
    buckets, now, rule = Buckets(), 10**12, Rule(limit, window_ms)
    passed: list[int] = []
    for step in steps:
        now += step
        if buckets.take("b", "1", rule, now).allowed:
            passed.append(now)
    step_ns = window_ms * MS // limit
    for index, first in enumerate(passed):
        for later, last in enumerate(passed[index:]):
            assert later + 1 <= limit + (last - first) // step_ns


@given(window=WINDOWS, limit=st.integers(1, 5), window_ms=st.integers(1, 50), steps=STEPS)
def test_what_a_bucket_tells_is_true(
    window: BucketWindow, limit: int, window_ms: int, steps: list[int]
) -> None:
    """So many calls remain at once, one more after ``retry_after``, all after ``reset_after``."""
    rule = Rule(limit, window_ms, window)

    def after_all(*more: int) -> list[bool]:
        buckets, now = Buckets(), 10**12
        for step in steps:
            now += step
            buckets.take("b", "1", rule, now)
        return [buckets.take("b", "1", rule, now + each).allowed for each in more]

    buckets, now = Buckets(), 10**12
    for step in steps:
        now += step
        told = buckets.take("b", "1", rule, now)
    assert after_all(*[0] * (told.remaining + 1)) == [*[True] * told.remaining, False]
    assert after_all(round(told.retry_after_s * 1e9)) == [True]
    assert after_all(*[round(told.reset_after_s * 1e9)] * limit) == [True] * limit


def test_majors_count_apart_and_hashes_do_not_name_them() -> None:
    """Two channels share a bucket's hash but not its count; two methods share neither."""
    buckets, rule = Buckets(), Rule(1, 1000)
    route = "/channels/{channel_id}/messages"
    first = buckets.take(bucket_of("POST", route), major_of({"channel_id": "1"}), rule, 0)
    other = buckets.take(bucket_of("POST", route), major_of({"channel_id": "2"}), rule, 0)
    again = buckets.take(bucket_of("POST", route), major_of({"channel_id": "1", "message_id": "5"}), rule, 0)
    assert (first.allowed, other.allowed, again.allowed) == (True, True, False)
    assert first.bucket == other.bucket != bucket_of("PATCH", route)


def test_a_ban_ends() -> None:
    """The limit within the window starts it, it holds for its address alone, and it runs out."""
    knobs = Knobs(invalid_requests_limit=3, invalid_requests_window_ms=100, invalid_ban_ms=1000)
    invalid = InvalidRequests(knobs)
    for at_ms in (0, 50, 120):
        invalid.count("a", at_ms * MS)
    assert invalid.banned_for_s("a", 120 * MS) is None, "the first had left the window"
    invalid.count("a", 130 * MS)
    assert invalid.banned_for_s("a", 130 * MS) == 1.0
    assert invalid.banned_for_s("b", 130 * MS) is None
    assert invalid.banned_for_s("a", 1130 * MS) is None


async def test_every_answer_tells_its_bucket(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """Limit, remaining, reset and bucket come with successes and refusals; the 429 says how long to wait."""
    await discord.knobs(messages_per_window=2, messages_window_ms=5000)
    paths = [f"/channels/{each.id}/messages" for each in guild.text_channels]
    status, headers, _ = await rest.full("POST", paths[0], {"content": "x"}, AUTHORIZED)
    assert status == 200
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("2", "1")
    assert 2 < float(headers["X-RateLimit-Reset-After"]) <= 2.5
    assert "." in headers["X-RateLimit-Reset-After"]
    refused, same, _ = await rest.full("POST", paths[0], {}, AUTHORIZED)
    assert (refused, same["X-RateLimit-Remaining"]) == (400, "0")
    status, limited, body = await rest.full("POST", paths[0], {"content": "x"}, AUTHORIZED)
    assert (status, body["global"], limited["X-RateLimit-Scope"]) == (429, False, "user")
    assert 0 < body["retry_after"] <= 2.5 < float(limited["X-RateLimit-Reset-After"]) <= 5
    assert int(limited["Retry-After"]) >= body["retry_after"]
    assert limited["X-RateLimit-Bucket"] == headers["X-RateLimit-Bucket"]
    status, other, _ = await rest.full("POST", paths[1], {"content": "x"}, AUTHORIZED)
    assert (status, other["X-RateLimit-Bucket"]) == (200, headers["X-RateLimit-Bucket"])
    _, of_user, _ = await rest.full("GET", "/users/@me", None, AUTHORIZED)
    assert of_user["X-RateLimit-Bucket"] != headers["X-RateLimit-Bucket"]


async def test_an_interaction_s_token_has_a_bucket_of_its_own(
    rest: Any, discord: SimClient, guild: SimGuild, play_command: Any, connect: Any
) -> None:
    """Edits of one answer are limited, another interaction's are not, and callbacks never are."""
    assert play_command["id"]
    await discord.knobs(webhook_per_window=2, webhook_window_ms=60_000, rest_per_second=1)
    gateway = await connect()
    await gateway.identify()
    ada = await discord.person("Ada")
    seen = []
    for _ in range(3):
        await ada.slash(guild.text_channel, "play", query="rain")
        event = await gateway.until("INTERACTION_CREATE")
        callback = f"/interactions/{event['id']}/{event['token']}/callback"
        assert (await rest.call("POST", callback, {"type": 5}))[0] == 204
        original = f"/webhooks/{event['application_id']}/{event['token']}/messages/@original"
        seen.append([(await rest.call("PATCH", original, {"content": str(n)}))[0] for n in range(3)])
    assert seen == [[200, 200, 429]] * 3


async def test_the_global_limit_is_the_bot_s_alone(rest: Any, discord: SimClient) -> None:
    """One call too many of any route answers global: true, in body and headers; 0 lifts it."""
    await discord.knobs(rest_per_second=1)
    answers = [await rest.full("GET", path, None, AUTHORIZED) for path in ("/users/@me", "/gateway/bot")]
    assert [status for status, _, _ in answers] == [200, 429]
    _, headers, body = answers[1]
    assert body["global"] is True
    assert (headers["X-RateLimit-Global"], headers["X-RateLimit-Scope"]) == ("true", "global")
    assert 0 < body["retry_after"] <= 1
    await discord.knobs(rest_per_second=0)
    assert (await rest.call("GET", "/users/@me"))[0] == 200


async def test_too_many_invalid_requests_bring_a_ban(rest: Any, discord: SimClient, guild: SimGuild) -> None:
    """401, 403 and 429 count, 404 and shared 429 do not; the ban answers anybody at that address, no JSON."""
    await discord.knobs(invalid_requests_limit=3, invalid_ban_ms=60_000)
    path = f"/channels/{guild.text_channel.id}/messages"
    assert (await replace(rest, token="x").call("GET", "/users/@me"))[0] == 401
    assert (await rest.call("GET", "/channels/1"))[0] == 404
    await discord.fail_rest("/users/@me", status=429, scope="shared", retry_after_ms=1500)
    status, headers, body = await rest.full("GET", "/users/@me", None, AUTHORIZED)
    assert (status, headers["X-RateLimit-Scope"], body["retry_after"]) == (429, "shared", 1.5)
    await discord.bot_permissions(guild, 0)
    await discord.overwrite(guild.text_channel, guild.id, deny=1 << 11)
    assert (await rest.call("POST", path, {"content": "x"}))[1]["code"] == 50013
    assert (await discord.overview()).rest_invalid == 2
    await discord.fail_rest("/users/@me", status=429)
    assert (await rest.call("GET", "/users/@me"))[0] == 429
    async with rest.http.get(f"{rest.base}/api/v10/users/@me", headers=AUTHORIZED) as response:
        assert (response.status, await response.text()) == (429, "error code: 1015")
        assert "Via" not in response.headers
        assert int(response.headers["Retry-After"]) == 60


async def test_faults_are_ordered_for_so_many_calls(rest: Any, discord: SimClient) -> None:
    """The next calls of a method and path fail as ordered, others do not; mending forgets the rest."""
    await discord.fail_rest("/users/", status=503, times=2, method="GET")
    seen = [
        (await rest.call("GET", path))[0] for path in ("/users/@me", "/gateway", "/users/@me", "/users/@me")
    ]
    assert seen == [503, 200, 503, 200]
    await discord.fail_rest("/gateway", status=500, times=5)
    await discord.mend_rest()
    assert (await rest.call("GET", "/gateway"))[0] == 200
