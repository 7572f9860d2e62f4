"""The totals of an event's answers (R12.3)."""

from __future__ import annotations

import pytest

from domain.enums import QuestionKind
from domain.inputs import EventChanges
from domain.models import AnswerTotals, Page, Registration
from domain.ports import Unavailable
from domain.queries import answers
from domain.service import Service
from tests.support.environment import new_event, new_users, service_on
from tests.support.memory_store import MemoryStore
from tests.support.questions import DAYS, LUNCH, NOTES


class RosterStore(MemoryStore):
    """Store with one registration on each page of the roster, which fails to read `unreadable` of them."""

    unreadable = 0

    def list_roster(
        self, event_id: str, *, limit: int | None, cursor: str | None = None
    ) -> Page[Registration]:
        if self.unreadable:
            self.unreadable -= 1
            raise Unavailable
        return super().list_roster(event_id, limit=1, cursor=cursor)


@pytest.fixture
def store() -> RosterStore:
    return RosterStore()


@pytest.fixture
def service(store: RosterStore) -> Service:
    """Give a service with three attendees who have answered and one on the waitlist."""
    service = service_on(store)
    new_users(service, *"abcd")
    new_event(service, capacity=3, questions=(LUNCH, DAYS, NOTES))
    service.register("e1", "a", {"lunch": "Vegetarian", "days": ("Monday", "Friday")})
    service.register("e1", "b", {"lunch": "Vegetarian", "notes": "Late"})
    service.register("e1", "c", {"lunch": "Vegetarian", "days": ("Friday",), "notes": "Late"})
    service.register("e1", "d", {"lunch": "Meat"})
    return service


def counts(totals: AnswerTotals) -> list[tuple[dict[str, int], int]]:
    return [(dict(one.counts), one.answered) for one in totals.questions]


def test_answers_of_those_with_a_seat_are_counted_by_option(service: Service) -> None:
    totals = service.count_answers("e1")
    assert (totals.counted, totals.is_complete) == (3, True)
    assert counts(totals) == [
        ({"Meat": 0, "Vegetarian": 3}, 3),
        ({"Monday": 1, "Friday": 2}, 2),
        ({"Late": 2}, 2),
    ]


def test_option_that_was_removed_is_counted_last(service: Service) -> None:
    edited = LUNCH.model_copy(update={"options": ("Fish", "Meat")})
    service.edit_event("e1", EventChanges.of(questions=(edited,)))
    (found,) = service.count_answers("e1").questions
    assert [*found.counts.items()] == [("Fish", 0), ("Meat", 0), ("Vegetarian", 3)]


def test_answers_to_a_question_of_another_kind_are_not_counted(service: Service) -> None:
    service.edit_event("e1", EventChanges.of(questions=()))
    several = LUNCH.model_copy(update={"kind": QuestionKind.SEVERAL})
    service.edit_event("e1", EventChanges.of(questions=(several,)))
    assert counts(service.count_answers("e1")) == [({"Meat": 0, "Vegetarian": 0}, 0)]


def test_totals_say_that_not_everyone_was_counted(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MAX_PAGES", 2)  # more than that is in the store
    totals = service.count_answers("e1")
    assert (totals.counted, totals.is_complete) == (2, False)


def test_read_that_fails_is_repeated(service: Service, store: RosterStore) -> None:
    store.unreadable = 1
    assert service.count_answers("e1").counted == 3
