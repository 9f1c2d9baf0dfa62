"""The commands as Discord is told about them."""

from __future__ import annotations

import re

from segue_core.ids import UserId
from segue_worker.commands.cooldown import Cooldowns
from segue_worker.commands.table import BY_NAME, COMMANDS, registration
from segue_worker.domain.messages import Verb


def test_every_verb_is_a_command_and_every_command_a_verb() -> None:
    """Nothing can be asked for that is not declared, and nothing is declared that does nothing."""
    assert {spec.verb for spec in COMMANDS} == set(Verb)
    assert len(BY_NAME) == len(COMMANDS)


def test_discord_would_accept_every_command() -> None:
    """Names, descriptions and options within the limits of the application command object."""
    for body in registration():
        assert re.fullmatch(r"[a-z0-9_\-]{1,32}", body["name"])
        assert 1 <= len(body["description"]) <= 100
        required = [option["required"] for option in body["options"]]
        assert required == sorted(required, reverse=True), "required options come first"
        for option in body["options"]:
            assert re.fullmatch(r"[a-z0-9_\-]{1,32}", option["name"])
            assert 1 <= len(option["description"]) <= 100
            if option["type"] == 3:
                assert 0 <= option["min_length"] <= option["max_length"] <= 6000
            else:
                assert option["min_value"] <= option["max_value"] <= 2**53


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
