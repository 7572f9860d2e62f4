"""The questions of an event (R12.3), on every store: asked, edited, added and removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.notifications.recipients import recipients_of
from domain.enums import Audience, ChangeKind, NotificationKind, QuestionKind
from domain.errors import EventCanceled, Invalid, NotOrganizer
from domain.inputs import EventChanges, QuestionDraft
from domain.models import Actor, Event, JournalEntry
from domain.planning.plan import PutEvent
from domain.ports import Store
from domain.questions import Answer, Answers, shown_answers
from domain.service import Service
from tests.support.builders import bare_plan
from tests.support.environment import ManualClock, new_event
from tests.support.invariants import everything_in
from tests.support.questions import DAYS, LUNCH, NOTES, SIZE

MEAT: dict[str, Answer] = {"lunch": "Meat"}


def ask(service: Service, *questions: QuestionDraft) -> Event:
    """Set the questions of e1."""
    return service.edit_event("e1", EventChanges.of(questions=questions)).event


def last_entry(store: Store) -> JournalEntry:
    """Return the journal entry of e1's last commit."""
    return store.list_journal("e1", limit=1_000)[-1]


def ids_of(event: Event) -> list[str]:
    return [question.question_id for question in event.questions]


def answers_of(service: Service, user_id: str) -> Answers:
    """Return a user's answers, as people see them."""
    found = service.get_registration("e1", user_id)
    return shown_answers(found.event.questions, found.registration.answers)


def test_event_asks_a_text_one_option_or_several(service: Service) -> None:
    new_event(service, questions=(LUNCH, DAYS, NOTES))

    asked = service.get_event("e1").questions

    assert [(one.question_id, one.kind, one.options, one.required) for one in asked] == [
        ("lunch", QuestionKind.ONE, ("Meat", "Vegetarian"), True),
        ("days", QuestionKind.SEVERAL, ("Monday", "Friday"), False),
        ("notes", QuestionKind.TEXT, (), False),
    ]


def test_event_without_questions_registers_with_one_click(service: Service) -> None:
    new_event(service)

    service.register("e1", "a")

    assert answers_of(service, "a") == {}


def test_each_question_without_an_id_gets_one(service: Service) -> None:
    without_id = NOTES.model_copy(update={"question_id": None})
    created = new_event(service, questions=(without_id, without_id))
    added = ask(service, *(one.model_copy(update={"text": "New"}) for one in (without_id,) * 2))

    assert len({*ids_of(created), *ids_of(added)}) == 4


def test_edited_question_keeps_its_id_and_its_answers(service: Service) -> None:
    new_event(service, questions=(LUNCH,))
    service.register("e1", "a", MEAT)
    edited = LUNCH.model_copy(
        update={"text": "Lunch", "options": ("Vegan", "Fish"), "required": False}
    )

    event = ask(service, edited)

    assert ids_of(event) == ["lunch"]
    assert event.questions[0].options == ("Vegan", "Fish")
    assert answers_of(service, "a") == MEAT


def test_question_without_an_id_is_the_one_with_its_text_and_kind(service: Service) -> None:
    new_event(service, questions=(LUNCH, NOTES))

    event = ask(
        service,
        NOTES.model_copy(update={"question_id": None, "required": True}),
        LUNCH.model_copy(update={"question_id": None}),
    )

    assert ids_of(event) == ["notes", "lunch"]
    assert event.questions[0].required


def test_edit_that_is_repeated_writes_nothing(service: Service, store: Store) -> None:
    """R8.13, also for questions without an id."""
    new_event(service)
    questions = (LUNCH, NOTES.model_copy(update={"question_id": None}))
    ask(service, *questions)
    before = everything_in(store)

    outcome = service.edit_event("e1", EventChanges.of(questions=questions))

    assert not outcome.changed
    assert everything_in(store) == before


def test_kind_of_a_question_never_changes(service: Service, store: Store) -> None:
    new_event(service, questions=(NOTES, LUNCH))
    before = everything_in(store)

    with pytest.raises(Invalid) as refusal:
        ask(service, NOTES, LUNCH.model_copy(update={"kind": QuestionKind.SEVERAL}))

    assert refusal.value.field == "questions.1.kind"
    assert everything_in(store) == before


def test_removed_question_hides_its_answers(service: Service) -> None:
    new_event(service, questions=(LUNCH, NOTES))
    service.register("e1", "a", MEAT | {"notes": "Late"})

    ask(service, LUNCH)

    assert answers_of(service, "a") == MEAT


def test_question_asked_again_under_its_id_shows_its_answers(service: Service) -> None:
    new_event(service, questions=(LUNCH,))
    service.register("e1", "a", MEAT)

    ask(service)
    ask(service, LUNCH)

    assert answers_of(service, "a") == MEAT


def test_question_of_another_kind_under_its_id_does_not(service: Service) -> None:
    new_event(service, questions=(LUNCH,))
    service.register("e1", "a", MEAT)

    ask(service)
    ask(service, LUNCH.model_copy(update={"kind": QuestionKind.SEVERAL}))

    assert answers_of(service, "a") == {}


def test_added_questions_are_asked_of_everyone_registered_or_waitlisted(
    service: Service, store: Store
) -> None:
    """Those of this version, as far as they still are: whoever comes later is asked when registering (R9.4)."""
    new_event(service, capacity=1, questions=(NOTES,))
    for user_id in "abcd":
        service.register("e1", user_id, {})

    ask(service, NOTES, LUNCH, SIZE)

    entry = last_entry(store)
    (notification,) = entry.notifications
    assert notification.kind is NotificationKind.QUESTIONS_ADDED
    assert notification.text == "Which lunch?\nWhich size?"
    assert (notification.audience, notification.user_id) == (Audience.EVERYONE, None)
    service.unregister("e1", "a")  # who comes back later; b is promoted
    service.unregister("e1", "d")
    for user_id in "ae":
        service.register("e1", user_id, MEAT)
    recipients = [user_id for user_id, _ in recipients_of(store, entry, after=None)]
    assert sorted(recipients) == ["b", "c"]


@pytest.mark.parametrize(
    "questions",
    [(), (LUNCH.model_copy(update={"text": "Lunch?", "required": False}),), (LUNCH,)],
    ids=["removed", "edited", "the same"],
)
def test_nobody_is_asked_again_what_was_asked_before(
    service: Service, store: Store, questions: tuple[QuestionDraft, ...]
) -> None:
    new_event(service, questions=(LUNCH,))
    service.register("e1", "a", MEAT)

    ask(service, *questions)

    assert last_entry(store).notifications == ()


def test_nobody_is_asked_after_the_start(
    service: Service, store: Store, clock: ManualClock
) -> None:
    new_event(service)
    service.register("e1", "a")
    clock.advance(timedelta(days=2))

    event = ask(service, NOTES)

    assert ids_of(event) == ["notes"]
    assert last_entry(store).notifications == ()


def test_history_says_which_questions_changed(service: Service, store: Store) -> None:
    new_event(service, questions=(NOTES,))

    service.edit_event("e1", EventChanges.of(questions=(LUNCH,)), actor=Actor("organizer"))

    (change,) = last_entry(store).changes
    assert (change.kind, change.actor_id) == (ChangeKind.EDITED, "organizer")
    assert change.fields is not None
    before, after = change.fields["questions"]
    assert before == NOTES.text
    assert after is not None
    assert all(one in after for one in (LUNCH.text, *LUNCH.options, "required"))


def test_only_organizers_and_admins_change_questions(service: Service, store: Store) -> None:
    new_event(service)
    before, changes = everything_in(store), EventChanges.of(questions=(NOTES,))

    with pytest.raises(NotOrganizer):
        service.edit_event("e1", changes, actor=Actor("a"))

    assert everything_in(store) == before
    assert service.edit_event("e1", changes, actor=Actor("a", is_admin=True)).changed


def test_canceled_event_keeps_its_questions(service: Service) -> None:
    new_event(service, questions=(LUNCH,))
    service.cancel_event("e1")

    with pytest.raises(EventCanceled):
        ask(service)


def test_edited_question_keeps_what_a_newer_version_stored(service: Service, store: Store) -> None:
    """R7.7."""
    event = new_event(service, questions=(LUNCH,))
    newer = event.questions[0].model_copy(update={"hint": "Tell us about allergies"})
    commit_event(store, event.model_copy(update={"questions": (newer,)}))

    ask(service, LUNCH.model_copy(update={"text": "Lunch?"}))

    (edited,) = service.get_event("e1").questions
    assert (edited.text, edited.model_extra) == ("Lunch?", {"hint": "Tell us about allergies"})
    before = everything_in(store)
    ask(service, LUNCH.model_copy(update={"text": "Lunch?"}))
    assert everything_in(store) == before


def commit_event(store: Store, event: Event) -> None:
    """Write an event as another version would."""
    written = event.model_copy(update={"version": event.version + 1})
    store.commit(bare_plan(PutEvent(written, event.version)))
