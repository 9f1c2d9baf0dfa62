from __future__ import annotations

from segue_core.ids import ChannelId, GuildId, ShardId, UserId
from segue_worker.gateway.events import GuildAvailable, VoiceMember, VoiceStateUpdate
from segue_worker.gateway.voice_states import UNKNOWN, VoiceStates

SHARD, OTHER = ShardId(0), ShardId(1)
GUILD, ADA, BOB = GuildId(1), UserId(10), UserId(11)
HALL, ATTIC = ChannelId(100), ChannelId(101)


def _member(user: UserId, channel: ChannelId) -> VoiceMember:
    return VoiceMember(user=user, channel=channel, session="s", own=False, bot=False)


def _move(user: UserId, channel: ChannelId | None) -> VoiceStateUpdate:
    return VoiceStateUpdate(guild=GUILD, user=user, channel=channel, session="s", own=False)


def test_unknown_until_told() -> None:
    """After a RESUME in a new process, where somebody is stays unknown until an event says it."""
    states = VoiceStates()
    assert states.channel_of(GUILD, ADA) == UNKNOWN
    states.moved(SHARD, _move(ADA, HALL))
    assert states.channel_of(GUILD, ADA) == HALL
    assert states.channel_of(GUILD, BOB) == UNKNOWN
    states.moved(SHARD, _move(ADA, None))
    assert states.channel_of(GUILD, ADA) is None


def test_guild_create_knows_everybody() -> None:
    """GUILD_CREATE lists all who are in voice, so whoever is missing there is nowhere."""
    states = VoiceStates()
    states.opened(SHARD, GuildAvailable(guild=GUILD, voice=(_member(ADA, HALL),)))
    assert states.channel_of(GUILD, ADA) == HALL
    assert states.channel_of(GUILD, BOB) is None
    assert [member.user for member in states.members(GUILD, HALL)] == [ADA]


def test_a_move_tells_where_from() -> None:
    """A change returns the channel the user was in; what is known of a bot is kept."""
    states = VoiceStates()
    states.opened(SHARD, GuildAvailable(guild=GUILD, voice=(_member(ADA, HALL),)))
    assert states.moved(SHARD, _move(ADA, ATTIC)) == HALL
    assert states.members(GUILD, HALL) == ()
    assert states.members(GUILD, ATTIC)[0].bot is False


def test_rest_answers_do_not_overwrite_events() -> None:
    """What REST said is kept, unless an event came first and knows better."""
    states = VoiceStates()
    states.learn(SHARD, GUILD, ADA, HALL)
    states.moved(SHARD, _move(BOB, ATTIC))
    states.learn(SHARD, GUILD, BOB, HALL)
    assert states.channel_of(GUILD, ADA) == HALL
    assert states.channel_of(GUILD, BOB) == ATTIC


def test_a_released_shard_leaves_nothing() -> None:
    """Dropping a shard forgets its guilds and no others."""
    states = VoiceStates()
    states.opened(SHARD, GuildAvailable(guild=GUILD, voice=(_member(ADA, HALL),)))
    states.opened(OTHER, GuildAvailable(guild=GuildId(2), voice=()))
    states.drop(SHARD)
    assert states.channel_of(GUILD, ADA) == UNKNOWN
    assert states.guilds(OTHER) == (GuildId(2),)
