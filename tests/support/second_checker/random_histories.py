"""Random small histories for both judges: true ones, and ones with something that was changed by hand."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.support.faulty_store import FaultyStore
from tests.support.races.calls import Call, Facts
from tests.support.races.races import E1, InitialEvent, Race, user_ids
from tests.support.races.recording import RecordingService
from tests.support.reference_model import ReferenceModel

STEP = 10
"""Between the moments of two calls."""


def true_history(dice: random.Random, number: int) -> tuple[Race, ReferenceModel, list[Call]]:
    """Make so many calls one after the other; return them as if they had been made at the same time.

    Also return the race that they began from, and its model.
    """
    users = user_ids("p", 5)
    event = InitialEvent(
        dice.randint(1, 3),
        has_waitlist=dice.random() < 0.8,
        attendees=users[: dice.randint(0, 1)],
    )
    race = Race(users, {E1: event}, [])
    store = FaultyStore()
    model = race.prepare(store)
    service = RecordingService(store, "p")
    service.follow([_question(dice, users) for _ in range(number)], [E1])
    return race, model, [_widened(dice, call, n) for n, call in enumerate(service.calls)]


def _question(dice: random.Random, users: list[str]) -> Facts:
    user_id = dice.choice(users)
    questions: list[tuple[float, Facts]] = [
        (8, ("register", E1, user_id)),
        (4, ("unregister", E1, user_id)),
        (1, ("remove", E1, user_id)),
        (3, ("get_registration", E1, user_id)),
        (2, ("list_registrations_of", user_id)),
        (2, ("get_event", E1)),
        (2, ("edit_event", E1, dice.randint(1, 5), None)),
        (0.5, ("edit_event", E1, None, dice.random() < 0.5)),
        (0.5, ("close_event", E1)),
        (1, ("reopen_event", E1)),
        (0.1, ("cancel_event", E1)),
        (0.1, ("delete_event", E1)),
    ]
    weights = [weight for weight, _ in questions]
    return dice.choices([question for _, question in questions], weights)[0]


def _widened(dice: random.Random, call: Call, number: int) -> Call:
    """Give a call the time around its moment. Some get no answer."""
    moment, spread = (number + 1) * 2 * STEP, dice.choice([1, 3, 9]) * STEP
    widened = replace(
        call,
        invoked=max(1, moment - dice.randrange(spread)),
        responded=moment + dice.randrange(spread),
    )
    return replace(widened, responded=None, answer=None) if dice.random() < 0.1 else widened


def changed(dice: random.Random, calls: list[Call]) -> list[Call]:
    """Return a history with one thing changed: an answer, a time, or a call that is missing."""
    number = dice.randrange(len(calls))
    call, others = calls[number], [*calls[:number], *calls[number + 1 :]]
    kind = dice.choice(["number", "answer", "time", "missing"])
    if kind == "missing":
        return others
    if kind == "time":
        by = dice.choice([-1, 1]) * dice.randint(3, 20) * STEP
        responded = None if call.responded is None else max(2, call.responded + by)
        return [*others, replace(call, invoked=max(1, call.invoked + by), responded=responded)]
    if call.answer is None:
        return calls
    if kind == "answer":
        same = [one.answer for one in others if one.name == call.name and one.answer]
        return [*others, replace(call, answer=dice.choice(same or [call.answer]))]
    return [*others, replace(call, answer=_other_number(dice, call.answer))]


def _other_number(dice: random.Random, answer: Facts) -> Facts:
    numbers = [n for n, fact in enumerate(answer) if type(fact) is int]
    if not numbers:
        return answer
    chosen = dice.choice(numbers)
    return tuple(
        fact + dice.choice([-1, 1]) if n == chosen and isinstance(fact, int) else fact
        for n, fact in enumerate(answer)
    )
