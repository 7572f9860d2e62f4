"""Turns for updates of cards: Slack's rate, shared fairly."""

from datetime import timedelta

from bot.notifications.rate_limiter import BURST, RESERVATION_GRACE, UPDATES_A_MINUTE, RateLimiter
from tests.support.environment import ManualClock

STEP = timedelta(milliseconds=100)


def test_card_has_one_turn_a_second() -> None:
    """R8.3."""
    clock = ManualClock()
    turns = RateLimiter(clock)
    assert turns.take(("C", "1")) is None
    assert turns.take(("C", "1")) == clock.now() + timedelta(seconds=1)
    assert turns.take(("C", "2")) is None
    clock.advance(timedelta(seconds=1))
    assert turns.take(("C", "1")) is None


def test_all_cards_together_keep_slacks_rate_and_lose_nothing_of_it() -> None:
    """In three minutes of asking: the burst, then 50 a minute."""
    clock = ManualClock()
    turns = RateLimiter(clock)
    granted = 0
    for _ in range(1800):
        granted += sum(turns.take(("C", str(number))) is None for number in range(20))
        clock.advance(STEP)
    assert BURST + 3 * UPDATES_A_MINUTE - 2 <= granted <= BURST + 3 * UPDATES_A_MINUTE


def test_promised_moment_is_kept() -> None:
    """Who comes when told has a turn: otherwise a stopped clock would ask for ever."""
    clock = ManualClock()
    turns = RateLimiter(clock)
    cards = [("C", str(number)) for number in range(25)]
    waits = {card: turns.take(card) for card in cards}
    for card, promised in sorted(
        ((card, at) for card, at in waits.items() if at is not None), key=lambda item: item[1]
    ):
        clock.advance(promised - clock.now())
        assert turns.take(card) is None


def test_busy_card_does_not_starve_those_that_wait() -> None:
    """First come, first served: one that asks all the time gets its share and no more."""
    clock = ManualClock()
    turns = RateLimiter(clock)
    cards = [("C", str(number)) for number in range(BURST + 5)]
    granted = dict.fromkeys(cards, 0)
    for _ in range(600):
        for card in [cards[0], *cards]:
            granted[card] += turns.take(card) is None
        clock.advance(STEP)
    assert max(granted.values()) - min(granted.values()) <= 1


def test_card_that_does_not_come_back_holds_nobody_up() -> None:
    clock = ManualClock()
    turns = RateLimiter(clock)
    for number in range(BURST + 3):
        turns.take(("C", str(number)))
    clock.advance(timedelta(seconds=4) + RESERVATION_GRACE)
    assert turns.take(("C", "late")) is None
