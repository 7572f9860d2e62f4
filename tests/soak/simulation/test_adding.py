"""What the simulation's judge of added members rejects (R12.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.commands import AddOutcome, Attendee
from domain.enums import ChangeKind, NotificationKind, RegistrationStatus
from domain.models import Change, Notification
from tests.support.builders import (
    a_journal_entry,
    a_registration,
    a_waitlisted_registration,
    an_event,
)
from tests.support.simulation.additions import added_by, claim_of
from tests.support.simulation.judge import Call, Row, State
from tests.support.simulation.put_back import FAULTS, seeds_until_found

EVENT = an_event(capacity=2, version=3, registered_count=2, waitlist_count=1)
SEATED, WAITLISTED = RegistrationStatus.REGISTERED, RegistrationStatus.WAITLISTED
STATE = State(1.0, EVENT, {"ada": Row(SEATED, 1), "bob": Row(SEATED, 2), "cyd": Row(WAITLISTED, 3)})
ADA, BOB = (Attendee(a_registration(one, ticket=n)) for one, n in (("ada", 1), ("bob", 2)))
CYD = Attendee(a_waitlisted_registration("cyd", ticket=3), 1)
ADDED = AddOutcome(EVENT, (BOB, CYD), (ADA,))


def a_call(name: str = "add_attendees", *user_ids: str) -> Call:
    return Call(name, "e1", "", 0.0, user_ids=user_ids or ("bob", "ada", "cyd"))


def test_true_outcome_is_accepted() -> None:
    assert claim_of(a_call(), ADDED)(STATE)


@pytest.mark.parametrize(
    "outcome",
    [
        replace(ADDED, added=(BOB, replace(CYD, position=2))),
        replace(ADDED, added=(replace(BOB, position=1), CYD)),
        replace(ADDED, present=(replace(ADA, position=1),)),
        replace(ADDED, event=an_event(version=2)),
    ],
    ids=["position", "no seat", "in already", "version"],
)
def test_false_outcome_is_rejected(outcome: AddOutcome) -> None:
    assert not claim_of(a_call(), outcome)(STATE)


@pytest.mark.parametrize(
    ("outcome", "chosen"),
    [
        (ADDED, ("cyd", "ada", "bob")),
        (ADDED, ("bob", "ada", "cyd", "dee")),
        (replace(ADDED, added=(ADA, CYD), present=(BOB,)), ("ada", "bob", "cyd")),
    ],
    ids=["another order", "someone is missing", "tickets with a gap"],
)
def test_outcome_out_of_order_is_rejected(outcome: AddOutcome, chosen: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        claim_of(a_call("add_attendees", *chosen), outcome)


def test_preview_is_compared_with_what_would_be() -> None:
    before = replace(STATE, rows={"ada": Row(SEATED, 1)})
    previewing = a_call("preview_addition")
    assert claim_of(previewing, ADDED)(before)
    assert not claim_of(previewing, ADDED)(STATE)
    full = replace(before, rows={**before.rows, "eve": Row(SEATED, 2)})
    assert not claim_of(previewing, ADDED)(full)


def entry(notified: tuple[Any, ...], actor_id: str = "org") -> Any:
    change = Change(kind=ChangeKind.REGISTERED, user_id="ada", actor_id=actor_id, ticket=1)
    notifications = [
        Notification(kind=NotificationKind.ADDED, user_id=user_id, ticket=1, actor_id="org")
        for user_id in notified
    ]
    return a_journal_entry(changes=(change,), notifications=tuple(notifications))


def test_those_notified_are_those_whom_someone_else_registered() -> None:
    assert added_by(entry(("ada",))) == {("ada", 1, "org")}
    assert added_by(entry((), actor_id="ada")) == set()


@pytest.mark.parametrize(
    ("notified", "actor_id"),
    [((), "org"), (("ada", "bob"), "org"), (("ada",), "other")],
    ids=["no one", "someone else", "another organizer"],
)
def test_others_who_are_notified_are_rejected(notified: tuple[str, ...], actor_id: str) -> None:
    with pytest.raises(AssertionError):
        added_by(entry(notified, actor_id))


@pytest.mark.parametrize("fault", ["members added in silence", "members added in another order"])
def test_fault_of_adding_is_found(fault: str) -> None:
    assert seeds_until_found(FAULTS[fault], most=10) is not None
