"""Races: the events and users before each, and the scripts of its sixteen threads."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.commands import Register
from domain.ports import Store
from domain.questions import Answers
from tests.support.environment import commit_together, ids, new_event, new_users, service_on
from tests.support.questions import LUNCH
from tests.support.races.calls import Facts
from tests.support.races.recording import Script
from tests.support.reference_model import ReferenceModel

THREADS = 16

E1, E2, E3 = "e1", "e2", "e3"


@dataclass(frozen=True)
class InitialEvent:
    """Event before a race, with its attendees in order of arrival."""

    capacity: int
    has_waitlist: bool = True
    attendees: Sequence[str] = ()
    organizers: Sequence[str] = ("organizer",)
    asks: bool = False
    """Whether it asks `LUNCH` of whoever registers; the attendees have answered "Meat"."""


@dataclass(frozen=True)
class Race:
    """Users and events before the race, and the script of each thread."""

    users: Sequence[str]
    events: Mapping[str, InitialEvent]
    scripts: Sequence[Script]

    def prepare(self, store: Store) -> ReferenceModel:
        """Fill an empty store; return the model of its contents."""
        model = ReferenceModel()
        service = service_on(store, new_id=ids("before"))
        for user_id in self.users:
            model.create_user(user_id)
        new_users(service, *self.users)
        for event_id, initial_event in self.events.items():
            capacity, has_waitlist = initial_event.capacity, initial_event.has_waitlist
            model.create_event(event_id, capacity, has_waitlist, initial_event.organizers)
            organizer_id, *co_organizer_ids = initial_event.organizers
            new_event(
                service,
                event_id,
                capacity=capacity,
                has_waitlist=has_waitlist,
                organizer_id=organizer_id,
                co_organizer_ids=co_organizer_ids,
                questions=[LUNCH] if initial_event.asks else [],
            )
            answers: Answers | None = {"lunch": "Meat"} if initial_event.asks else None
            commit_together(
                store, event_id, [Register(user_id, answers) for user_id in initial_event.attendees]
            )
            model.event(event_id).asks = initial_event.asks
            for user_id in initial_event.attendees:
                model.register(event_id, user_id, "Meat")
        return model


def user_ids(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(number)]


def last_seats(dice: random.Random) -> Race:
    """Let sixteen users register for a few seats, and then read or register again."""
    crowd = user_ids("p", THREADS)
    initial_event = InitialEvent(dice.randint(1, 6), has_waitlist=dice.random() < 0.5)
    return Race(
        crowd, {E1: initial_event}, [[_register(p), _look_or(dice, p, _register(p))] for p in crowd]
    )


def leaving_with_a_waitlist(dice: random.Random) -> Race:
    """Let registered and waitlisted users leave, while others read their positions."""
    seated, waitlisted = user_ids("s", 8), user_ids("w", 12)
    scripts: list[Script] = [[_leave(p), _look_or(dice, p, _register(p))] for p in seated]
    scripts += [[_leave(p)] for p in dice.sample(waitlisted, 4)]
    scripts += [[_look(dice, p), _look(dice, p)] for p in dice.sample(waitlisted, 4)]
    return Race(
        [*seated, *waitlisted], {E1: InitialEvent(8, attendees=[*seated, *waitlisted])}, scripts
    )


def one_user_sixteen_times(dice: random.Random) -> Race:
    """Let one user register and leave in sixteen windows, before or behind other users."""
    asks = [_register("p"), _register("p"), _leave("p"), ("get_registration", E1, "p")]
    initial_event = InitialEvent(1, attendees=dice.choice([(), ("z",), ("z", "y")]))
    scripts: list[Script] = [[dice.choice(asks), dice.choice(asks)] for _ in range(THREADS - 1)]
    return Race(["p", "y", "z"], {E1: initial_event}, [*scripts, [_leave("z")]])


def leaving_and_registering_mixed(dice: random.Random) -> Race:
    """Let eight users do anything, each from two threads."""
    crowd = user_ids("p", 8)
    initial_event = InitialEvent(dice.randint(1, 3), has_waitlist=dice.random() < 0.8)
    scripts = [[_anything(dice, p) for _ in range(3)] for p in [*crowd, *crowd]]
    return Race(crowd, {E1: initial_event}, scripts)


def capacity_changed_in_a_rush(dice: random.Random) -> Race:
    """Change the capacity, close and reopen, while users register and leave."""
    crowd, seated = user_ids("p", 11), user_ids("s", 2)
    scripts: list[Script] = [[_register(p), _look(dice, p)] for p in crowd]
    scripts += [[_leave(p)] for p in seated]
    waitlist = dice.choice([None, False])
    scripts.append([_edit(dice.randint(2, 9)), _edit(dice.randint(2, 9), waitlist)])
    scripts.append([_edit(dice.randint(1, 6)), _edit(None, True), ("get_event", E1)])
    scripts.append([(dice.choice(["close_event", "cancel_event"]), E1), ("reopen_event", E1)])
    return Race([*crowd, *seated], {E1: InitialEvent(2, attendees=seated)}, scripts)


def user_deleted_during_registrations(dice: random.Random) -> Race:
    """Delete a user, and perhaps create it again, during its registrations (R7.1)."""
    others = user_ids("p", 6)
    events = {
        E1: InitialEvent(1, attendees=["x", *others[:3]]),
        E2: InitialEvent(2, attendees=others[3:]),
        E3: InitialEvent(3),
    }
    scripts: list[Script] = [
        [_register("x", dice.choice([E1, E2, E3])), _register("x", dice.choice([E1, E2, E3]))]
        for _ in range(5)
    ]
    scripts += [[_leave(p, dice.choice([E1, E2])), _register(p, E1)] for p in others]
    scripts.append([("delete_user", "x")])
    scripts.append([("delete_user", "x"), ("create_user", "x"), _register("x")])
    scripts.append([("create_user", "x"), ("list_registrations_of", "x")])
    scripts += [[("list_registrations_of", "x"), _leave("x", dice.choice([E1, E2]))]] * 2
    return Race(["x", *others], events, scripts)


def event_deleted_during_registrations(dice: random.Random) -> Race:
    """Delete an event while users register and leave, and one of the users, too (R7.2)."""
    attendees, coming = user_ids("s", 4), user_ids("p", 8)
    scripts: list[Script] = [[_register(p), _look_or(dice, p, _leave(p))] for p in coming]
    scripts += [[_leave(p), _register(p), _register(p, E2)] for p in attendees]
    scripts += [[("delete_event", E1)], [("get_event", E1), ("delete_event", E1)]]
    scripts.append([("delete_user", dice.choice([*attendees, *coming]))])
    scripts.append([_edit(dice.randint(1, 5)), ("get_event", E1)])
    initial_event = InitialEvent(dice.randint(1, 3), attendees=attendees)
    return Race([*attendees, *coming], {E1: initial_event, E2: InitialEvent(2)}, scripts)


def two_deletions_of_one_user(dice: random.Random) -> Race:
    """Delete one user, who is registered or waitlisted in three events, from two threads."""
    others = user_ids("p", 9)
    events = {
        event_id: InitialEvent(1, attendees=dice.sample(["x", *others[3 * n : 3 * n + 3]], 4))
        for n, event_id in enumerate([E1, E2, E3])
    }
    scripts: list[Script] = [[("delete_user", "x"), ("list_registrations_of", "x")]] * 2
    scripts += [[("list_registrations_of", "x"), _register("x", E3)]] * 2
    scripts += [
        [_look(dice, p, event_id), _leave(p, event_id), _look(dice, p, event_id)]
        for event_id, initial_event in events.items()
        for p in initial_event.attendees
        if p != "x"
    ]
    scripts += [[_register(others[0], E3)], [_register(others[8])], [("get_event", E2)]]
    return Race(["x", *others], events, scripts)


def capacity_increased_then_lowered(dice: random.Random) -> Race:
    """Overtake a capacity increase of more than two commits by a lower capacity (R2.5)."""
    waitlisted, coming = user_ids("w", 106), user_ids("p", 5)
    scripts: list[Script] = [[_edit(dice.randint(90, 200))], [_edit(dice.randint(2, 120))]]
    scripts += [[_leave(p), _look(dice, p)] for p in dice.sample(waitlisted, 5)]
    scripts += [[_look(dice, p), _look(dice, p)] for p in dice.sample(waitlisted, 4)]
    scripts += [[_register(p)] for p in coming]
    return Race([*waitlisted, *coming], {E1: InitialEvent(2, attendees=waitlisted)}, scripts)


def organizers_deleted_while_others_manage(dice: random.Random) -> Race:
    """Delete the organizers of two events while they and others say who organizes what (R2.9)."""
    events = {
        E1: InitialEvent(1, attendees=["x", "y"], organizers=["x"]),
        E2: InitialEvent(2, attendees=["y"], organizers=["x", "y"]),
    }

    def about(name: str, *user_ids: str) -> Facts:
        return (name, dice.choice([E1, E2]), dice.choice(user_ids))

    def look() -> Facts:
        return ("get_organizers", dice.choice([E1, E2]))

    scripts: list[Script] = [[("delete_user", "x"), look()], [("delete_user", "y")]]
    scripts.append([("delete_user", "x"), ("create_user", "x"), about("set_co_organizer", "x")])
    scripts += [[about("set_co_organizer", "x", "y"), look()] for _ in range(2)]
    scripts += [[about("take_over", "x", "a"), look()] for _ in range(2)]
    scripts += [[look(), look()] for _ in range(4)]
    scripts.append([about("close_as", "x", "y"), about("reopen_as", "x", "a")])
    scripts += [[("create_event", E3, dice.choice("xy")), about("take_over", "y")]] * 2
    scripts += [[_register("x", E2)], [_leave("y")]]
    return Race(["x", "y", "a"], events, scripts)


def answers_changed_while_questions_change(dice: random.Random) -> Race:
    """Let attendees change their answers while others come and leave, and the question is removed and asked (R12.3)."""
    seated, waitlisted, coming = user_ids("s", 3), user_ids("w", 4), user_ids("p", 6)

    def answering(name: str, user_id: str) -> Facts:
        return (name, E1, user_id, dice.choice(["Meat", "Vegetarian"]))

    def answer(user_id: str) -> list[Facts]:
        return [answering("change_answer", user_id), ("get_answer", E1, user_id)]

    scripts: list[Script] = [[*answer(p), *answer(p)] for p in dice.sample(waitlisted, 3)]
    scripts += [[*answer(p), _leave(p), answering("register_answering", p)] for p in seated]
    scripts += [[answering("register_answering", p), *answer(p)] for p in coming[:4]]
    scripts += [[_register(p), *answer(p)] for p in coming[4:]]
    scripts += [[*answer(waitlisted[0]), *answer(waitlisted[0])]]
    scripts += [[("delete_user", dice.choice(waitlisted)), ("get_event", E1)]]
    scripts += [[("ask", E1, dice.random() < 0.3), ("ask", E1, dice.random() < 0.7)]]
    scripts += [[_edit(dice.randint(3, 6))]]
    event = InitialEvent(3, attendees=[*seated, *waitlisted], asks=True)
    return Race([*seated, *waitlisted, *coming], {E1: event}, scripts)


RACES: dict[str, Callable[[random.Random], Race]] = {
    race.__name__: race
    for race in (
        last_seats,
        leaving_with_a_waitlist,
        one_user_sixteen_times,
        leaving_and_registering_mixed,
        capacity_changed_in_a_rush,
        user_deleted_during_registrations,
        event_deleted_during_registrations,
        two_deletions_of_one_user,
        capacity_increased_then_lowered,
        organizers_deleted_while_others_manage,
        answers_changed_while_questions_change,
    )
}

NOT_IN_THE_API = frozenset(
    {
        organizers_deleted_while_others_manage.__name__,
        answers_changed_while_questions_change.__name__,
    }
)
"""The races with calls that the HTTP API does not have. It does not know what a person was asked."""


def _register(user_id: str, event_id: str = E1) -> Facts:
    return ("register", event_id, user_id)


def _leave(user_id: str, event_id: str = E1) -> Facts:
    return ("unregister", event_id, user_id)


def _edit(capacity: int | None, has_waitlist: bool | None = None) -> Facts:
    return ("edit_event", E1, capacity, has_waitlist)


def _look(dice: random.Random, user_id: str, event_id: str = E1) -> Facts:
    """Return a call that only reads, with strong consistency."""
    one_event: list[Facts] = [
        ("get_registration", event_id, user_id),
        ("preview_unregister", event_id, user_id),
        ("get_event", event_id),
    ]
    return dice.choice([*one_event, ("list_registrations_of", user_id)])


def _look_or(dice: random.Random, user_id: str, other: Facts) -> Facts:
    return other if dice.random() < 0.5 else _look(dice, user_id)


def _anything(dice: random.Random, user_id: str) -> Facts:
    changes = [_register(user_id), _register(user_id), _leave(user_id), ("remove", E1, user_id)]
    return dice.choice([*changes, _look(dice, user_id)])
