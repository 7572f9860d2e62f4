"""Answers to an event's questions (R12.3), on every store: given, changed, kept and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.commands import ChangeAnswers, Command, Register, Unregister
from domain.enums import ChangeKind, ClosedReason, RegistrationStatus
from domain.errors import (
    AlreadyRegistered,
    AnswersNeeded,
    EventFull,
    Invalid,
    NotRegistered,
    RegistrationClosed,
    RollcallError,
    UnknownEvent,
    UnknownUser,
)
from domain.inputs import EventChanges
from domain.models import Registration
from domain.ports import Store
from domain.questions import Answer, Answers
from domain.service import Service
from tests.support.environment import (
    ManualClock,
    commit_together,
    new_event,
    start_user_deletion,
)
from tests.support.invariants import assert_invariants, everything_in
from tests.support.questions import DAYS, LUNCH, NOTES

MEAT: dict[str, Answer] = {"lunch": "Meat"}
VEGETARIAN: dict[str, Answer] = {"lunch": "Vegetarian"}


def stored(service: Service, user_id: str) -> Answers:
    """Return a user's answers, as they are stored."""
    return service.get_registration("e1", user_id).registration.answers


@pytest.mark.parametrize("capacity", [1, 2])
def test_registration_holds_its_answers_with_a_seat_and_on_the_waitlist(
    service: Service, capacity: int
) -> None:
    new_event(service, capacity=capacity, questions=(LUNCH, DAYS, NOTES))
    service.register("e1", "a", MEAT)

    service.register("e1", "b", MEAT | {"days": ("Friday", "Monday"), "notes": " No\nnuts "})

    assert stored(service, "b") == MEAT | {"days": ("Monday", "Friday"), "notes": "No nuts"}
    assert_invariants(service._store)


def test_every_list_has_the_answers(service: Service) -> None:
    new_event(service, capacity=1, questions=(LUNCH,))
    service.register("e1", "a", MEAT)
    service.register("e1", "b", VEGETARIAN)

    page = service.list_registrations_in("e1")

    assert [one.answers for one in page.registered] == [MEAT]
    assert [one.answers for one in page.waitlist] == [VEGETARIAN]
    (own,) = service.list_registrations_of("b")
    assert own.registration.answers == VEGETARIAN


@pytest.mark.parametrize("given", [{}, {"notes": ""}, {"notes": " \u200b"}, {"days": ()}])
def test_question_that_is_not_required_may_stay_without_an_answer(
    service: Service, given: Answers
) -> None:
    new_event(service, questions=(DAYS, NOTES))

    service.register("e1", "a", given)

    assert stored(service, "a") == {}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "answers.lunch"),
        ({"lunch": ""}, "answers.lunch"),
        ({"lunch": " \u2060\n"}, "answers.lunch"),
        ({"lunch": ()}, "answers.lunch"),
        ({"lunch": "Fish"}, "answers.lunch"),
        ({"lunch": "meat"}, "answers.lunch"),
        ({"lunch": ("Meat",)}, "answers.lunch"),
        (MEAT | {"days": "Monday"}, "answers.days"),
        (MEAT | {"days": ("Monday", "Sunday")}, "answers.days"),
        (MEAT | {"days": ("",)}, "answers.days"),
        (MEAT | {"notes": ("No nuts",)}, "answers.notes"),
        (MEAT | {"size": "L"}, "answers.size"),
        (MEAT | {"notes": "x" * 201}, "answers.notes"),
    ],
)
def test_wrong_answer_is_refused_with_its_question(
    service: Service, store: Store, given: Answers, field: str
) -> None:
    """To register, and to change one's answers. Nothing is written."""
    new_event(service, questions=(LUNCH, DAYS, NOTES))
    service.register("e1", "b", MEAT)
    before = everything_in(store)
    calls: list[Callable[[], object]] = [
        lambda: service.register("e1", "a", given),
        lambda: service.change_answers("e1", "b", given),
    ]

    for call in calls:
        with pytest.raises(Invalid) as refusal:
            call()
        assert refusal.value.field == field

    assert everything_in(store) == before


# The form that a person fills in, while the event changes.


def asked(service: Service) -> frozenset[str]:
    """Return what a form that is opened now asks."""
    return frozenset(one.fingerprint for one in service.get_event("e1").questions)


@pytest.mark.parametrize(
    "now",
    [
        (LUNCH, DAYS),
        (LUNCH.model_copy(update={"text": "Lunch or not?"}),),
        (LUNCH.model_copy(update={"options": ("Meat", "Fish")}),),
        (LUNCH.model_copy(update={"required": False}),),
    ],
    ids=["added", "another text", "other options", "not required"],
)
def test_question_that_changed_while_the_form_was_open_is_asked_again(
    service: Service, store: Store, now: tuple[object, ...]
) -> None:
    new_event(service, questions=(LUNCH,))
    service.register("e1", "b", MEAT)
    form = asked(service)
    service.edit_event("e1", EventChanges.of(questions=now))
    before = everything_in(store)

    with pytest.raises(AnswersNeeded):
        service.register("e1", "a", MEAT, asked=form)
    with pytest.raises(AnswersNeeded):
        service.change_answers("e1", "b", VEGETARIAN, asked=form)

    assert everything_in(store) == before


def test_answer_to_a_question_that_was_removed_meanwhile_is_dropped(service: Service) -> None:
    new_event(service, questions=(LUNCH, NOTES))
    service.register("e1", "b", MEAT)
    form = asked(service)
    service.edit_event("e1", EventChanges.of(questions=(LUNCH,)))

    service.register("e1", "a", MEAT | {"notes": "Late"}, asked=form)
    service.change_answers("e1", "b", VEGETARIAN | {"notes": "Late"}, asked=form)

    assert (stored(service, "a"), stored(service, "b")) == (MEAT, VEGETARIAN)


def test_event_that_asks_nothing_anymore_registers(service: Service) -> None:
    new_event(service, questions=(LUNCH,))
    form = asked(service)
    service.edit_event("e1", EventChanges.of(questions=()))

    service.register("e1", "a", MEAT, asked=form)

    assert stored(service, "a") == {}


def test_questions_in_another_order_are_the_same(service: Service) -> None:
    new_event(service, questions=(LUNCH, NOTES))
    form = asked(service)
    service.edit_event("e1", EventChanges.of(questions=(NOTES, LUNCH)))

    service.register("e1", "a", MEAT, asked=form)

    assert stored(service, "a") == MEAT


def test_nobody_is_asked_in_vain(service: Service, store: Store) -> None:
    """Every other refusal comes before the questions."""
    new_event(service, capacity=1, has_waitlist=False, questions=(LUNCH,))
    service.register("e1", "a", MEAT)
    start_user_deletion(store, "c")
    refusals: dict[str, type[RollcallError]] = {
        "a": AlreadyRegistered,
        "b": EventFull,
        "c": UnknownUser,
        "nobody": UnknownUser,
    }

    for user_id, refusal in refusals.items():
        with pytest.raises(refusal):
            service.register("e1", user_id)

    service.close_event("e1")
    with pytest.raises(RegistrationClosed):
        service.register("e1", "b")


# Changing answers


@pytest.mark.parametrize("user_id", ["a", "b"])
def test_changed_answers_replace_those_before(service: Service, store: Store, user_id: str) -> None:
    """All of them, and nothing else of the registration or the waitlist."""
    new_event(service, capacity=1, questions=(LUNCH, NOTES))
    for one in "abc":
        service.register("e1", one, MEAT | {"notes": "Late"})
    before = everything_in(store)

    outcome = service.change_answers("e1", user_id, VEGETARIAN)

    after = assert_invariants(store)
    row = before.registrations["e1", user_id].model_copy(update={"answers": VEGETARIAN})
    assert outcome.changed
    assert outcome.registration == row
    assert after.registrations == before.registrations | {("e1", user_id): row}
    assert after.waitlist == before.waitlist
    assert after.events["e1"].version == before.events["e1"].version + 1


def test_position_is_stated_if_it_is_asked_for(service: Service) -> None:
    """Also if nothing changes. Slack's reply does not state it."""
    new_event(service, capacity=1, questions=(LUNCH,))
    for user_id in "abc":
        service.register("e1", user_id, MEAT)

    def position(user_id: str, answers: Answers, *, with_position: bool) -> int | None:
        return service.change_answers("e1", user_id, answers, with_position=with_position).position

    assert position("c", VEGETARIAN, with_position=True) == 2
    assert position("c", VEGETARIAN, with_position=True) == 2
    assert position("a", VEGETARIAN, with_position=True) is None
    assert position("c", MEAT, with_position=False) is None


def test_same_answers_are_no_commit(service: Service, store: Store) -> None:
    new_event(service, questions=(LUNCH, DAYS))
    service.register("e1", "a", MEAT | {"days": ("Monday", "Friday")})
    before = everything_in(store)

    outcome = service.change_answers("e1", "a", MEAT | {"days": ("Friday", "Monday", "Friday")})

    assert not outcome.changed
    assert everything_in(store) == before


def test_whoever_was_added_can_answer(service: Service) -> None:
    """R12.4: they are not asked beforehand."""
    new_event(service, capacity=1, questions=(LUNCH,))
    service.add_attendees("e1", ["a", "b"])

    for user_id in "ab":
        assert stored(service, user_id) == {}
        service.change_answers("e1", user_id, MEAT)
        assert stored(service, user_id) == MEAT


@pytest.mark.parametrize("ended_by", ["closing", "the registration deadline"])
def test_answers_can_be_changed_after_registration_has_ended(
    service: Service, clock: ManualClock, ended_by: str
) -> None:
    new_event(service, questions=(LUNCH,), registration_deadline=clock.now() + timedelta(hours=1))
    service.register("e1", "a", MEAT)
    if ended_by == "closing":
        service.close_event("e1")
    else:
        clock.advance(timedelta(hours=2))

    service.change_answers("e1", "a", VEGETARIAN)

    assert stored(service, "a") == VEGETARIAN


@pytest.mark.parametrize(
    ("because", "reason"),
    [("canceled", ClosedReason.CANCELED), ("started", ClosedReason.STARTED)],
)
def test_answers_stay_once_the_event_has_started_or_is_canceled(
    service: Service, store: Store, clock: ManualClock, because: str, reason: ClosedReason
) -> None:
    event = new_event(service, questions=(LUNCH,))
    service.register("e1", "a", MEAT)
    if because == "canceled":
        service.cancel_event("e1")
    else:
        clock.advance(event.starts_at - clock.now())
    before = everything_in(store)

    with pytest.raises(RegistrationClosed) as refusal:
        service.change_answers("e1", "a", VEGETARIAN)

    assert refusal.value.reason is reason
    assert everything_in(store) == before


def test_only_attendees_have_answers_to_change(service: Service) -> None:
    new_event(service, questions=(LUNCH,))

    with pytest.raises(NotRegistered):
        service.change_answers("e1", "a", MEAT)
    with pytest.raises(UnknownEvent):
        service.change_answers("nowhere", "a", MEAT)


# Answers belong to the registration.


def test_promotions_keep_the_answers(service: Service) -> None:
    new_event(service, capacity=1, questions=(LUNCH,))
    for user_id in "abcd":
        service.register("e1", user_id, VEGETARIAN if user_id == "c" else MEAT)

    service.unregister("e1", "a")
    service.edit_event("e1", EventChanges.of(capacity=3))

    rows = [service.get_registration("e1", user_id).registration for user_id in "bcd"]
    assert {row.status for row in rows} == {RegistrationStatus.REGISTERED}
    assert [row.answers for row in rows] == [MEAT, VEGETARIAN, MEAT]


def test_whoever_registers_again_is_asked_again(service: Service) -> None:
    new_event(service, questions=(LUNCH, NOTES))
    service.register("e1", "a", MEAT | {"notes": "Late"})
    service.unregister("e1", "a")

    with pytest.raises(AnswersNeeded):
        service.register("e1", "a")
    service.register("e1", "a", VEGETARIAN)

    assert stored(service, "a") == VEGETARIAN


SECRET = "Peanuts 7f3a"


@pytest.mark.parametrize(
    "delete",
    [
        lambda service: service.delete_user("a"),
        lambda service: service.deactivate_user("a"),
        lambda service: service.delete_event("e1"),
        lambda service: service.unregister("e1", "a"),
        lambda service: service.remove("e1", "a"),
    ],
    ids=["user deleted", "user deactivated", "event deleted", "left", "removed"],
)
@pytest.mark.parametrize("capacity", [1, 2])
def test_answers_go_with_the_registration(
    service: Service, store: Store, capacity: int, delete: Callable[[Service], object]
) -> None:
    """No row has them anymore, and no entry of the history ever had."""
    new_event(service, capacity=capacity, questions=(NOTES,))
    service.register("e1", "b", {})
    service.register("e1", "a", {"notes": SECRET})
    assert SECRET in repr(everything_in(store).registrations)

    delete(service)

    assert SECRET not in repr(everything_in(store))


def test_history_says_who_changed_their_answers_and_not_how(service: Service, store: Store) -> None:
    new_event(service, capacity=1, questions=(NOTES,))
    service.register("e1", "b", {"notes": SECRET})
    service.register("e1", "a", {})

    version = service.change_answers("e1", "a", {"notes": SECRET}).event.version
    service.change_answers("e1", "a", {"notes": f"{SECRET} and milk"})
    service.unregister("e1", "b")

    entry = store.get_journal_entry("e1", version)
    assert entry is not None
    assert [(one.kind, one.user_id, one.actor_id, one.ticket) for one in entry.changes] == [
        (ChangeKind.ANSWERED, "a", "a", 2)
    ]
    assert entry.notifications == ()
    journal = "".join(one.model_dump_json() for one in store.list_journal("e1", limit=100))
    assert ChangeKind.ANSWERED.value in journal
    assert SECRET not in journal


def test_check_finds_nothing_wrong_with_answers(service: Service) -> None:
    """R7.6: the journal leads to what is stored, with entries of changed answers too."""
    new_event(service, capacity=1, questions=(LUNCH,))
    for user_id in "abc":
        service.register("e1", user_id, MEAT)
    service.change_answers("e1", "a", VEGETARIAN)
    service.change_answers("e1", "b", VEGETARIAN)
    service.unregister("e1", "a")
    service.change_answers("e1", "b", MEAT)

    assert list(service.check(lambda _: None)) == []


# Several commands in one commit


def together(service: Service, store: Store, *commands: Command) -> dict[str, Registration]:
    """Carry out the commands in one commit; return e1's registrations by user."""
    assert commit_together(store, "e1", commands) == 1
    assert list(service.check(lambda _: None)) == []
    found = assert_invariants(store).registrations
    return {user_id: row for (_, user_id), row in found.items()}


def test_several_commands_in_one_commit(service: Service, store: Store) -> None:
    """The last one counts, in the order of arrival, also for those who come, leave and are promoted in it."""
    new_event(service, capacity=1, questions=(LUNCH, NOTES))
    service.register("e1", "a", MEAT)
    service.register("e1", "b", MEAT)

    rows = together(
        service,
        store,
        Register("c", MEAT),
        ChangeAnswers("c", VEGETARIAN | {"notes": "First"}),
        ChangeAnswers("b", VEGETARIAN),
        ChangeAnswers("c", VEGETARIAN | {"notes": "Second"}),
        Unregister("a"),
        Register("a", VEGETARIAN),
        ChangeAnswers("a", MEAT),
        ChangeAnswers("b", VEGETARIAN | {"notes": "Third"}),
    )

    assert {user_id: row.answers for user_id, row in rows.items()} == {
        "a": MEAT,
        "b": VEGETARIAN | {"notes": "Third"},
        "c": VEGETARIAN | {"notes": "Second"},
    }
    assert rows["b"].status is RegistrationStatus.REGISTERED


def test_answers_changed_and_changed_back_in_one_commit(service: Service, store: Store) -> None:
    new_event(service, capacity=1, questions=(LUNCH,))
    for user_id in "ab":
        service.register("e1", user_id, MEAT)
    before = everything_in(store)

    rows = together(service, store, ChangeAnswers("b", VEGETARIAN), ChangeAnswers("b", MEAT))

    assert rows["b"] == before.registrations["e1", "b"]
