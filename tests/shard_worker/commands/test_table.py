"""The commands as Discord is told about them."""

from __future__ import annotations

import dataclasses
from itertools import count

from segue_core.ids import UserId
from segue_devkit.discord.commands import registered
from segue_worker.commands.cooldown import Cooldowns
from segue_worker.commands.table import BY_NAME, COMMANDS, registration
from segue_worker.domain.messages import Command, Verb


def test_every_verb_is_a_command_and_every_command_a_verb() -> None:
    """Nothing can be asked for that is not declared, and nothing is declared that does nothing."""
    assert {spec.verb for spec in COMMANDS} == set(Verb)
    assert len(BY_NAME) == len(COMMANDS)


def test_discord_would_accept_every_command() -> None:
    """The simulator checks names, words, options, choices and bounds as Discord documents them."""
    ids = count(1)
    stored = registered(registration(), application_id=1, guild_id=None, old=[], new_id=lambda: next(ids))
    assert [body["name"] for body in stored] == [spec.name for spec in COMMANDS]


def test_every_option_fills_a_field_of_the_command() -> None:
    """What people fill in arrives; two options of a command never fill the same."""
    fields = {field.name for field in dataclasses.fields(Command)}
    for spec in COMMANDS:
        filled = [option.fills for option in spec.options]
        assert set(filled) <= fields
        assert len(filled) == len(set(filled))
        assert spec.changes_with <= {option.name for option in spec.options}


def test_commands_are_for_servers() -> None:
    """Not offered in private messages, where there is no voice channel."""
    assert all(body["contexts"] == [0] for body in registration())


def test_a_cooldown_is_one_persons_and_one_commands() -> None:
    """Who waits long enough, or wants something else, need not wait."""
    cooldowns = Cooldowns()
    assert cooldowns.use(UserId(1), Verb.PLAY, 1_000, now=0) == 0
    assert cooldowns.use(UserId(1), Verb.PLAY, 1_000, now=400) == 600
    assert cooldowns.use(UserId(2), Verb.PLAY, 1_000, now=400) == 0
    assert cooldowns.use(UserId(1), Verb.SKIP, 0, now=400) == 0
    assert cooldowns.use(UserId(1), Verb.PLAY, 1_000, now=1_000) == 0


def test_cooldowns_forget_the_oldest() -> None:
    """Memory does not grow with the number of people."""
    cooldowns = Cooldowns(remembered=2)
    for user in (1, 2, 3):
        cooldowns.use(UserId(user), Verb.PLAY, 1_000, now=0)
    assert cooldowns.use(UserId(1), Verb.PLAY, 1_000, now=0) == 0
    assert cooldowns.use(UserId(3), Verb.PLAY, 1_000, now=0) == 1_000
