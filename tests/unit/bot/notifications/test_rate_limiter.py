"""The rate limiter for card updates: Slack's rate, shared fairly."""

from datetime import timedelta

from bot.notifications.rate_limiter import BURST, RESERVATION_GRACE, UPDATES_A_MINUTE, RateLimiter
from tests.support.environment import ManualClock

STEP = timedelta(milliseconds=100)


def test_card_gets_one_token_a_second() -> None:
    """R8.3."""
    clock = ManualClock()
    limiter = RateLimiter(clock)
    assert limiter.take(("C", "1")) is None
    assert limiter.take(("C", "1")) == clock.monotonic() + 1
    assert limiter.take(("C", "2")) is None
    clock.advance(timedelta(seconds=1))
    assert limiter.take(("C", "1")) is None


def test_all_cards_together_use_slacks_whole_rate_and_no_more() -> None:
    """Three minutes of demand get the burst, then 50 a minute."""
    clock = ManualClock()
    limiter = RateLimiter(clock)
    granted = 0
    for _ in range(1800):
        granted += sum(limiter.take(("C", str(number))) is None for number in range(20))
        clock.advance(STEP)
    assert BURST + 3 * UPDATES_A_MINUTE - 2 <= granted <= BURST + 3 * UPDATES_A_MINUTE


def test_reserved_time_is_kept() -> None:
    """A card that returns at its time gets a token. Otherwise it could ask forever."""
    clock = ManualClock()
    limiter = RateLimiter(clock)
    cards = [("C", str(number)) for number in range(25)]
    waits = {card: limiter.take(card) for card in cards}
    for card, reserved in sorted(
        ((card, at) for card, at in waits.items() if at is not None), key=lambda item: item[1]
    ):
        clock.advance(reserved - clock.monotonic())
        assert limiter.take(card) is None


def test_busy_card_does_not_starve_others() -> None:
    """A card that asks all the time gets its share and no more."""
    clock = ManualClock()
    limiter = RateLimiter(clock)
    cards = [("C", str(number)) for number in range(BURST + 5)]
    granted = dict.fromkeys(cards, 0)
    for _ in range(600):
        for card in [cards[0], *cards]:
            granted[card] += limiter.take(card) is None
        clock.advance(STEP)
    assert max(granted.values()) - min(granted.values()) <= 1


def test_abandoned_reservation_of_a_card_blocks_no_one() -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock)
    for number in range(BURST + 3):
        limiter.take(("C", str(number)))
    clock.advance(4 + RESERVATION_GRACE)
    assert limiter.take(("C", "late")) is None
