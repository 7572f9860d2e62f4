"""Operations for the crash tests: each one that writes, in a workspace where it has an effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from domain.commands import Register, StartDeletion
from domain.enums import NotificationKind
from domain.inputs import AnnouncementDraft, EventChanges, EventDraft, UserChanges, UserDraft
from domain.models import Actor, Card, DeliveryState, UnreachableRecipient, UserDeletion
from tests.support.crashes.cases import Operation, ServiceProcess
from tests.support.environment import (
    START,
    commit_together,
    new_event,
    new_users,
    start_user_deletion,
)
from tests.support.questions import LUNCH
from tests.support.series import new_series, series_draft

CROWD = [f"p{number}" for number in range(60)]
"""More users than one commit can promote."""


def event_with(*user_ids: str, **event: object) -> Callable[[ServiceProcess], None]:
    """Return a function that creates an event, its attendees in order, and the user `new`."""

    def prepare(process: ServiceProcess) -> None:
        new_users(process.service, *user_ids, "new")
        new_event(process.service, "e1", **event)
        if user_ids:
            commit_together(process.store, "e1", [Register(user_id) for user_id in user_ids])

    return prepare


def then(
    prepare: Callable[[ServiceProcess], None], more: Callable[[ServiceProcess], object]
) -> Callable[[ServiceProcess], None]:
    """Return a function that does both, one after the other."""

    def both(process: ServiceProcess) -> None:
        prepare(process)
        more(process)

    return both


def prepare_nothing(process: ServiceProcess) -> None:
    """Prepare nothing."""


def editing(**changes: object) -> Callable[[ServiceProcess], object]:
    """Return a call that edits the event."""
    return lambda process: process.service.edit_event("e1", EventChanges.of(**changes))


def draft(**values: object) -> EventDraft:
    """Return an event's draft."""
    given: dict[str, object] = {
        "event_id": "e1",
        "title": "Supper",
        "starts_at": START + timedelta(days=2),
        "time_zone": "Europe/Berlin",
        "organizer_id": "organizer",
        "capacity": 2,
        "has_waitlist": True,
    }
    return EventDraft.of(**given | values)


def user_draft(name: str = "Ada") -> UserDraft:
    """Return a user's draft."""
    return UserDraft.of(user_id="new", name=name)


def asking(capacity: int) -> Callable[[ServiceProcess], None]:
    """Return a function that creates an event with a question, which ada and bob have answered."""

    def prepare(process: ServiceProcess) -> None:
        event_with(capacity=capacity, questions=[LUNCH])(process)
        new_users(process.service, "ada", "bob")
        answered = [Register(user_id, {"lunch": "Meat"}) for user_id in ("ada", "bob")]
        commit_together(process.store, "e1", answered)

    return prepare


def three_events(process: ServiceProcess) -> None:
    """Create three events: `ada` has a seat with others waitlisted, is waitlisted, and has a seat with no waitlist."""
    new_users(process.service, "ada", "bob", "eve")
    for event_id, crowd in {"e1": "ada bob eve", "e2": "bob ada eve", "e3": "eve ada"}.items():
        new_event(process.service, event_id, capacity=2 if event_id == "e3" else 1)
        commit_together(process.store, event_id, [Register(name) for name in crowd.split()])


FULL = event_with("ada", "bob", "eve", "dan")
"""Two users are registered, two waitlisted."""
ROOMY = event_with("ada", "bob", capacity=5)

USERS = [
    Operation("create user", prepare_nothing, lambda p: p.service.create_user(user_draft())),
    Operation("create user, taken", FULL, lambda p: p.service.create_user(user_draft())),
    *(
        Operation(
            f"ensure user, {name}",
            prepare,
            lambda p, draft=draft: p.service.ensure_user(draft),  # type: ignore[misc]  # mypy infers no lambda with a default
            is_preparatory=True,
        )
        for name, prepare, draft in (
            ("new", prepare_nothing, user_draft()),
            ("renamed", FULL, user_draft()),
            ("the same", FULL, user_draft("new")),
        )
    ),
    Operation(
        "update user", FULL, lambda p: p.service.update_user("new", UserChanges.of(name="Ada"))
    ),
    Operation(
        "delete user without registrations",
        FULL,
        lambda p: p.service.delete_user("new"),
        is_long=True,
    ),
    Operation(
        "delete user in three events",
        three_events,
        lambda p: p.service.delete_user("ada"),
        is_long=True,
    ),
    Operation(
        "deactivate user in three events",
        three_events,
        lambda p: p.service.deactivate_user("ada"),
        is_long=True,
    ),
]

EVENTS = [
    Operation(
        "create event with a card",
        prepare_nothing,
        lambda p: p.service.create_event_once(draft(card_channel="C1")),
    ),
    Operation("create event", prepare_nothing, lambda p: p.service.create_event(draft())),
    Operation("create event, taken", FULL, lambda p: p.service.create_event(draft())),
    Operation("create event once", prepare_nothing, lambda p: p.service.create_event_once(draft())),
    Operation("edit text", FULL, editing(title="Supper", description="Bring bread")),
    Operation("move", FULL, editing(starts_at=START + timedelta(days=3))),
    Operation("increase the capacity in one commit", FULL, editing(capacity=3)),
    Operation(
        "increase the capacity in several commits",
        event_with(*CROWD, capacity=1),
        editing(capacity=59),
        is_long=True,
    ),
    Operation("lower the capacity", ROOMY, editing(capacity=2)),
    Operation("lower the capacity, below registered", ROOMY, editing(capacity=1)),
    Operation("ask a question", FULL, editing(questions=[LUNCH])),
    Operation("remove a question", asking(1), editing(questions=[])),
    Operation("waitlist off", FULL, editing(has_waitlist=False)),
    Operation(
        "follow a channel made private",
        event_with("ada", listing_channel="C1"),
        lambda p: p.service.follow_channel("e1", "C1", is_private=True),
    ),
    Operation("close", FULL, lambda p: p.service.close_event("e1")),
    Operation(
        "reopen",
        then(FULL, lambda p: p.service.close_event("e1")),
        lambda p: p.service.reopen_event("e1"),
    ),
    Operation("cancel", FULL, lambda p: p.service.cancel_event("e1")),
    Operation(
        "message everyone",
        FULL,
        lambda p: p.service.announce(
            "e1",
            AnnouncementDraft.of(text="Bring bread", audience="everyone"),
            request_id="r1",
            actor=Actor("organizer"),
        ),
    ),
    Operation(
        "export",
        FULL,
        lambda p: p.service.export("e1", request_id="r1", actor=Actor("organizer")),
    ),
    Operation(
        "delete event with attendees", FULL, lambda p: p.service.delete_event("e1"), is_long=True
    ),
    Operation(
        "delete event without attendees",
        event_with(),
        lambda p: p.service.delete_event("e1"),
        is_long=True,
    ),
]

REGISTRATIONS = [
    Operation(
        "register a person who is stored",
        ROOMY,
        lambda p: p.service.register_ensuring_user("e1", user_draft("new")),
    ),
    Operation("register into a seat", ROOMY, lambda p: p.service.register("e1", "new")),
    Operation("register on the waitlist", FULL, lambda p: p.service.register("e1", "new")),
    Operation(
        "register with answers",
        asking(5),
        lambda p: p.service.register("e1", "new", {"lunch": "Meat"}),
    ),
    Operation("register, not asked", asking(5), lambda p: p.service.register("e1", "new")),
    *(
        Operation(
            f"change answers, {name}",
            asking(1),
            lambda p, user_id=user_id, lunch=lunch: p.service.change_answers(  # type: ignore[misc]  # mypy infers no lambda with a default
                "e1", user_id, {"lunch": lunch}, with_position=True
            ),
        )
        for name, user_id, lunch in (
            ("has a seat", "ada", "Vegetarian"),
            ("is waitlisted", "bob", "Vegetarian"),
            ("the same", "bob", "Meat"),
            ("not registered", "new", "Meat"),
        )
    ),
    Operation(
        "register, full",
        event_with("ada", "bob", has_waitlist=False),
        lambda p: p.service.register("e1", "new"),
    ),
    Operation("register, has a seat", FULL, lambda p: p.service.register("e1", "ada")),
    Operation("register, is waitlisted", FULL, lambda p: p.service.register("e1", "dan")),
    Operation(
        "register, closed",
        then(ROOMY, lambda p: p.service.close_event("e1")),
        lambda p: p.service.register("e1", "new"),
    ),
    Operation("register, no such user", ROOMY, lambda p: p.service.register("e1", "nobody")),
    Operation(
        "register, no such event", prepare_nothing, lambda p: p.service.register("e1", "new")
    ),
    Operation(
        "add attendees",
        ROOMY,
        lambda p: p.service.add_attendees(
            "e1",
            ["new", "ada", "unknown1", "unknown2", "unknown3"],
            actor=Actor("organizer"),
            request_id="r1",
            creates_users=True,
        ),
    ),
    Operation(
        "add attendees to a full event",
        event_with("ada", "bob", has_waitlist=False),
        lambda p: p.service.add_attendees("e1", ["new"], actor=Actor("organizer")),
    ),
    Operation("unregister, no waitlist", ROOMY, lambda p: p.service.unregister("e1", "ada")),
    Operation("unregister with promotion", FULL, lambda p: p.service.unregister("e1", "ada")),
    Operation("unregister from the waitlist", FULL, lambda p: p.service.unregister("e1", "eve")),
    Operation("unregister, not registered", FULL, lambda p: p.service.unregister("e1", "new")),
    Operation(
        "unregister, canceled",
        then(FULL, lambda p: p.service.cancel_event("e1")),
        lambda p: p.service.unregister("e1", "ada"),
    ),
    Operation(
        "remove from the waitlist",
        FULL,
        lambda p: p.service.remove("e1", "dan", actor=Actor("organizer"), reason="no room"),
    ),
    Operation(
        "remove with promotion",
        FULL,
        lambda p: p.service.remove("e1", "bob", actor=Actor("organizer"), reason="no-show"),
    ),
]


def unfinished_capacity_increase(process: ServiceProcess) -> None:
    """Stop a capacity increase after its first step."""
    event_with(*CROWD, capacity=1)(process)
    editing(capacity=59)(process)
    process.forget()


def unfinished_event_deletion(process: ServiceProcess) -> None:
    """Stop an event's deletion after its deletion id is stored."""
    FULL(process)
    commit_together(process.store, "e1", [StartDeletion(None)])


def unfinished_user_deletion(process: ServiceProcess) -> None:
    """Stop a user's deletion after its start."""
    three_events(process)
    start_user_deletion(process.store, "ada")


def due_reminder(process: ServiceProcess) -> None:
    """Create an event whose reminder has been due for half an hour."""
    process.clock.advance(timedelta(days=-2))
    event_with("ada", "bob", "eve", starts_at=START + timedelta(hours=23, minutes=30))(process)
    process.clock.advance(timedelta(days=2))


def organized_events(process: ServiceProcess) -> None:
    """Create events that `new` organizes: alone, with another organizer, after another, and as an attendee."""
    event_with("ada", organizer_id="new")(process)
    new_event(process.service, "e2", organizer_id="new", co_organizer_ids=["ada", "bob"])
    new_event(process.service, "e3", organizer_id="ada", co_organizer_ids=["new"])
    commit_together(process.store, "e3", [Register("new")])


def unfinished_organizer_deletion(process: ServiceProcess) -> None:
    """Stop the deletion of an organizer after its start."""
    organized_events(process)
    start_user_deletion(process.store, "new")


def orphaned_event(process: ServiceProcess) -> None:
    """Delete an event's only organizer."""
    event_with("ada", organizer_id="new")(process)
    process.service.delete_user("new")


ORGANIZERS = [
    Operation(
        "post card",
        FULL,
        lambda p: p.service.post_card(
            "e1", "C1", after="", request_id="r1", actor=Actor("organizer")
        ),
    ),
    Operation(
        "take over",
        orphaned_event,
        lambda p: p.service.take_over_event("e1", actor=Actor("ada", is_admin=True)),
    ),
    Operation(
        "deactivate organizer of three events",
        organized_events,
        lambda p: p.service.deactivate_user("new"),
        is_long=True,
    ),
    Operation(
        "delete organizer of three events, with a successor",
        organized_events,
        lambda p: p.service.delete_previewed_user(UserDeletion("new"), "ada"),
        is_long=True,
    ),
    Operation(
        "sweep, an organizer's deletion",
        unfinished_organizer_deletion,
        lambda p: p.service.sweep(),
        is_long=True,
    ),
]

SWEEPS = [
    Operation(f"sweep, {name}", prepare, lambda p: p.service.sweep(), is_long=True)
    for name, prepare in {
        "a capacity increase": unfinished_capacity_increase,
        "an event's deletion": unfinished_event_deletion,
        "a user's deletion": unfinished_user_deletion,
    }.items()
]
SWEEPS.append(
    Operation(
        "sweep, a reminder",
        due_reminder,
        lambda p: p.service.sweep(),
        is_long=True,
        # A sweep that fails to read answers so, whatever it did before.
        is_preparatory=True,
    )
)


def due_series(**values: Any) -> Callable[[ServiceProcess], None]:
    """Return a function that creates a series whose first event is due, and for which four users registered."""

    def prepare(process: ServiceProcess) -> None:
        users = ("ada", "bob", "eve", "dan")
        process.clock.advance(timedelta(days=-2))
        new_users(process.service, *users)
        new_series(process.service, **values)
        process.clock.advance(timedelta(days=2))
        for user_id in users:
            process.service.register("yoga", user_id)

    return prepare


SERIES = [
    Operation(
        f"sweep, {name}",
        prepare,
        lambda p: p.service.sweep(),
        is_long=True,
        # As a reminder's sweep.
        is_preparatory=True,
    )
    for name, prepare in {
        "the next event of a series": due_series(starts_at=START + timedelta(days=6)),
        "registrations for a series": due_series(
            starts_at=START + timedelta(days=6), days_ahead=14
        ),
    }.items()
]
SERIES.append(
    Operation(
        "create series once",
        prepare_nothing,
        lambda p: p.service.create_event_once(series_draft(days_ahead=14)),
        is_long=True,
    )
)
SERIES.append(
    Operation(
        "stop a series",
        due_series(starts_at=START + timedelta(days=6), days_ahead=14),
        lambda p: p.service.stop_series("yoga", "ada"),
    )
)
SERIES.append(
    Operation(
        "skip a date of a series",
        due_series(starts_at=START + timedelta(days=6), days_ahead=14),
        lambda p: p.service.change_left_out(
            "yoga", leave_out=[(START + timedelta(days=27)).date()]
        ),
    )
)


IN_SERIES = due_series(starts_at=START + timedelta(days=6), days_ahead=14)
"""A series with two events, and registrations that neither honors yet."""

SERIES_CHANGES = [
    Operation(name, prepare, call, is_long=True)
    for name, prepare, call in [
        ("create a series", FULL, lambda p: new_series(p.service, days_ahead=14)),
        (
            "edit a series",
            IN_SERIES,
            lambda p: p.service.edit_series(
                "yoga",
                EventChanges.of(organizer_id="ada", capacity=5, location="Roof"),
                number=1,
            ),
        ),
        ("end a series", IN_SERIES, lambda p: p.service.end_series("yoga", cancels=True)),
    ]
]
"""Changes of series in several commits. What their crashes leave is carried on by what `SERIES` sweeps."""


def corrupt(process: ServiceProcess) -> None:
    """Miscount an event's seats, delete a waitlist entry, and delete the user of a registration."""
    FULL(process)
    client, keys = process.store._client, process.store._keys
    client.update_item(
        **keys.at(
            keys.event("e1"),
            UpdateExpression="SET registered_count = :wrong",
            ExpressionAttributeValues={":wrong": {"N": "1"}},
        )
    )
    client.delete_item(**keys.at(keys.waitlist_entry("e1", 3)))
    client.delete_item(**keys.at(keys.user("ada")))


REPAIRS = [
    Operation(
        "repair",
        corrupt,
        lambda p: tuple(p.service.repair(lambda _: None)),
        is_long=True,
        fixes=True,
    )
]


def save(process: ServiceProcess) -> DeliveryState:
    """Save the event's delivery state under the lease of `worker`."""
    stored = process.store.get_delivery("e1")
    return process.store.save_delivery(stored.model_copy(update={"delivered_version": 1}))


def save_with_marks(process: ServiceProcess) -> DeliveryState:
    """Save the event's delivery state without a lease, and mark entries as delivered."""
    stored = process.store.get_delivery("e1")
    done = stored.model_copy(update={"delivered_version": 2, "cleared_version": 2})
    return process.store.save_delivery(done, delivered=(1, 2))


def lease(process: ServiceProcess) -> object:
    """Take the event's delivery lease as `worker`."""
    until = START + timedelta(seconds=30)
    return process.store.take_lease("e1", holder="worker", until=until)


def card(version: int) -> Card:
    """Return the event's card."""
    return Card(event_id="e1", channel_id="C1", message_ts="1.1", rendered_version=version)


OUTBOX = [
    Operation("take lease, first", FULL, lease),
    Operation("take lease, again", then(FULL, lease), lease),
    Operation("save delivery", then(FULL, lease), save),
    Operation("save first delivery, with marks", FULL, save_with_marks),
    Operation("save delivery, with marks", then(FULL, lease), save_with_marks),
    Operation("mark delivered", FULL, lambda p: p.store.mark_delivered("e1", 1)),
    Operation(
        "record unreachable recipient",
        FULL,
        lambda p: p.store.record_unreachable(
            "e1",
            1,
            UnreachableRecipient(
                user_id="ada", version=1, kind=NotificationKind.PROMOTED, reason="user_disabled"
            ),
        ),
    ),
    Operation("put card", FULL, lambda p: p.store.put_card(card(1))),
    Operation(
        "put card, newer",
        then(FULL, lambda p: p.store.put_card(card(1))),
        lambda p: p.store.put_card(card(2)),
    ),
    Operation(
        "delete card",
        then(FULL, lambda p: p.store.put_card(card(1))),
        lambda p: p.store.delete_card("e1", "C1", "1.1"),
    ),
]
