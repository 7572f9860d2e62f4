"""Questions and answers (R12.3), on every store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.enums import ChangeKind, NotificationKind
from domain.errors import AnswersNeeded, Invalid
from domain.inputs import EventChanges, QuestionDraft
from domain.models import Event, JournalEntry
from domain.ports import Store
from domain.questions import Answers
from domain.service import Service
from tests.support.environment import ManualClock, new_event, new_users, service_on
from tests.support.questions import DAYS, LUNCH, NOTES
from tests.support.stores import Kind, empty_store


@pytest.fixture(params=["memory", "sqlite", "moto", "local"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    kind: Kind = request.param
    with empty_store(kind) as store:
        yield store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> Service:
    service = service_on(store, clock=clock)
    new_users(service, *"abcdef")
    return service


def event_asking(service: Service, *questions: QuestionDraft, capacity: int = 2) -> Event:
    """Return a new event with questions."""
    return new_event(service, capacity=capacity, questions=questions)


def last_entry(store: Store, event: Event) -> JournalEntry:
    """Return the journal entry of an event's last commit."""
    return store.list_journal(event.event_id, limit=1_000)[-1]


def test_a_registration_holds_its_answers(service: Service) -> None:
    event = event_asking(service, LUNCH, DAYS, NOTES)
    given: Answers = {"lunch": "Meat", "days": ("Friday", "Monday"), "notes": " Nothing "}

    service.register(event.event_id, "a", given)

    assert service.get_registration(event.event_id, "a").registration.answers == {
        "lunch": "Meat",
        "days": ("Monday", "Friday"),
        "notes": "Nothing",
    }


def test_a_user_who_was_not_asked_is_not_registered(service: Service) -> None:
    event = event_asking(service, NOTES)

    with pytest.raises(AnswersNeeded):
        service.register(event.event_id, "a")

    assert service.find_registration(event.event_id, "a") is None


def test_a_required_answer_must_be_given(service: Service) -> None:
    event = event_asking(service, LUNCH)

    with pytest.raises(Invalid) as refused:
        service.register(event.event_id, "a", {})

    assert refused.value.field == "answers.lunch"


def test_a_promotion_keeps_the_answers(service: Service) -> None:
    event = event_asking(service, LUNCH, capacity=1)
    service.register(event.event_id, "a", {"lunch": "Meat"})
    service.register(event.event_id, "b", {"lunch": "Vegetarian"})

    service.unregister(event.event_id, "a")

    promoted = service.get_registration(event.event_id, "b")
    assert promoted.position is None
    assert promoted.registration.answers == {"lunch": "Vegetarian"}


@pytest.mark.parametrize("capacity", [1, 2])
def test_answers_can_be_changed_with_a_seat_and_on_the_waitlist(
    service: Service, store: Store, capacity: int
) -> None:
    event = event_asking(service, LUNCH, capacity=capacity)
    service.register(event.event_id, "a", {"lunch": "Meat"})
    service.register(event.event_id, "b", {"lunch": "Meat"})

    outcome = service.change_answers(event.event_id, "b", {"lunch": "Vegetarian"})

    assert outcome.changed
    assert service.get_registration(event.event_id, "b").registration.answers == {
        "lunch": "Vegetarian"
    }
    assert last_entry(store, event).changes[0].kind is ChangeKind.ANSWERED


def test_adding_a_question_asks_those_who_are_registered(service: Service, store: Store) -> None:
    event = event_asking(service, NOTES)
    service.register(event.event_id, "a", {})

    service.edit_event(event.event_id, EventChanges.of(questions=(NOTES, LUNCH)))

    (notification,) = last_entry(store, event).notifications
    assert notification.kind is NotificationKind.QUESTIONS_ADDED
    assert notification.text == "Which lunch?"
