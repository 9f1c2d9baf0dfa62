"""The circuit breaker, with the clock in our hands."""

from __future__ import annotations

from segue_core.breaker import Breaker, Breakers, BreakerState


class Hands:
    """A clock."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_opens_after_failures_in_a_row() -> None:
    """Three failures in a row open it, and nothing is asked until the cool-down is over."""
    clock = Hands()
    breaker = Breaker(clock, threshold=3, cooldown_s=5)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert breaker.state is BreakerState.OPEN
    assert not breaker.allows()
    clock.now = 4.9
    assert not breaker.allows()


def test_success_between_failures_keeps_it_closed() -> None:
    """Failures that are not in a row are a flaky node's, and it is asked on."""
    breaker = Breaker(Hands(), threshold=2)
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED


def test_half_open_lets_one_through() -> None:
    """After the cool-down one request may find out; its success closes the breaker, its failure opens it."""
    clock = Hands()
    breaker = Breaker(clock, threshold=1, cooldown_s=5)
    breaker.failed()
    clock.now = 5.0
    assert breaker.allows()
    assert not breaker.allows()
    breaker.failed()
    assert breaker.state is BreakerState.OPEN
    clock.now = 10.0
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.allows()


def test_abandoned_trial_is_given_to_the_next() -> None:
    """A trial that was cancelled says nothing about the node: the next request may try."""
    clock = Hands()
    breaker = Breaker(clock, threshold=1, cooldown_s=1)
    breaker.failed()
    clock.now = 1.0
    assert breaker.allows()
    breaker.abandoned()
    assert breaker.allows()


def test_an_open_breaker_says_how_long() -> None:
    """Who is refused can be told when to come back."""
    clock = Hands()
    breaker = Breaker(clock, threshold=1, cooldown_s=5)
    assert breaker.wait_s == 0
    breaker.failed()
    clock.now = 2.0
    assert breaker.wait_s == 3.0
    clock.now = 9.0
    assert breaker.wait_s == 0


def test_each_key_has_its_own() -> None:
    """What fails at one is not held against another."""
    breakers: Breakers[str] = Breakers(Hands(), threshold=1)
    breakers.of("a").failed()
    assert not breakers.of("a").allows()
    assert breakers.of("b").allows()
    assert breakers.states() == {"a": BreakerState.OPEN, "b": BreakerState.CLOSED}


def test_keys_from_outside_do_not_fill_memory() -> None:
    """However many keys are asked for, only the last used are remembered."""
    breakers: Breakers[int] = Breakers(Hands(), threshold=1, most=10)
    breakers.of(0).failed()
    for number in range(1000):
        breakers.of(number)
        breakers.of(0)
    assert len(breakers) == 10
    assert not breakers.of(0).allows()
