"""Questions and answers over HTTP (R12.3, R11)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from domain.inputs import MAX_ANSWER_LENGTH, MAX_OPTION_LENGTH, MAX_QUESTION_LENGTH
from tests.support.api.api_client import SUPPER, created, got, problem
from tests.support.slack.harness import SlackHarness

LUNCH = {
    "questionId": "lunch",
    "text": "Which lunch?",
    "kind": "one",
    "options": ["Meat", "Vegetarian"],
    "required": True,
}
DAYS = {
    "questionId": "days",
    "text": "Which days?",
    "kind": "several",
    "options": ["Monday", "Friday"],
    "required": False,
}
NOTES = {
    "questionId": "notes",
    "text": "Anything else?",
    "kind": "text",
    "options": [],
    "required": False,
}

LUNCH_TOO = LUNCH | {"questionId": "dinner"}

MEAT, VEGETARIAN = {"lunch": "Meat"}, {"lunch": "Vegetarian"}


@pytest.fixture
def asking(web: TestClient, supper: dict[str, Any]) -> dict[str, Any]:
    """Return the event of one seat, which asks three questions."""
    return got(web.put("/events/supper", json={"questions": [LUNCH, DAYS, NOTES]}))


def register(web: TestClient, user_id: str, answers: dict[str, Any]) -> dict[str, Any]:
    given = {"userId": user_id, "answers": answers}
    return created(web.post("/events/supper/register", json=given))


def ask(web: TestClient, *questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Set the event's questions; return them."""
    event = got(web.put("/events/supper", json={"questions": questions}))
    questions_now: list[dict[str, Any]] = event["questions"]
    return questions_now


def test_event_has_its_questions(web: TestClient, asking: dict[str, Any]) -> None:
    assert asking["questions"] == [LUNCH, DAYS, NOTES]
    assert got(web.get("/events/supper")) == asking
    assert got(web.get("/events"))["items"] == [asking]


def test_question_without_an_id_gets_one_and_keeps_it(
    web: TestClient, supper: dict[str, Any]
) -> None:
    """R8.13: a request that is repeated changes nothing."""
    asked = {"text": "Anything else?", "kind": "text"}
    (first,) = ask(web, asked)
    assert first == NOTES | {"questionId": first["questionId"]}
    before = got(web.get("/events/supper"))
    assert ask(web, asked) == [first]
    assert got(web.get("/events/supper")) == before
    (other,) = ask(web, asked | {"text": "Anything more?"})
    assert other["questionId"] != first["questionId"]


def test_created_event_gives_its_questions_ids(web: TestClient) -> None:
    asked = [{"text": f"Question {number}", "kind": "text"} for number in range(3)]
    event = created(web.post("/events", json=SUPPER | {"questions": asked}))
    assert len({one["questionId"] for one in event["questions"]}) == 3


def test_response_of_get_can_be_put_back(web: TestClient, asking: dict[str, Any]) -> None:
    assert got(web.put("/events/supper", json=asking)) == asking


def test_edited_question_keeps_its_id_and_its_answers(
    web: TestClient, asking: dict[str, Any]
) -> None:
    register(web, "a", MEAT)
    edited = LUNCH | {"text": "Lunch", "options": ["Meat", "Vegan"], "required": False}
    assert ask(web, edited) == [edited]
    assert got(web.get("/events/supper/registrations"))["registered"][0]["answers"] == MEAT


def test_removed_question_hides_its_answers(web: TestClient, asking: dict[str, Any]) -> None:
    register(web, "a", MEAT | {"notes": "Late"})
    ask(web, LUNCH)
    (listed,) = got(web.get("/users/a/registrations"))["items"]
    assert listed["answers"] == MEAT
    ask(web, LUNCH, NOTES)
    (listed,) = got(web.get("/users/a/registrations"))["items"]
    assert listed["answers"] == MEAT | {"notes": "Late"}


def test_id_given_to_a_question_of_another_kind_shows_no_answer_of_the_one_before(
    web: TestClient, asking: dict[str, Any]
) -> None:
    register(web, "a", MEAT)
    ask(web)
    ask(web, LUNCH | {"kind": "several"})
    (listed,) = got(web.get("/users/a/registrations"))["items"]
    assert listed["answers"] == {}


def test_every_list_of_registrations_has_the_answers(
    web: TestClient, asking: dict[str, Any]
) -> None:
    given = MEAT | {"days": ["Friday", "Monday"], "notes": " No nuts\n"}
    stored = MEAT | {"days": ["Monday", "Friday"], "notes": "No nuts"}
    seated, waitlisted = register(web, "a", given), register(web, "b", VEGETARIAN)
    assert (seated["answers"], waitlisted["answers"]) == (stored, VEGETARIAN)
    page = got(web.get("/events/supper/registrations"))
    assert (page["registered"], page["waitlist"]) == ([seated], [waitlisted])
    for own in (seated, waitlisted):
        (listed,) = got(web.get(f"/users/{own['userId']}/registrations"))["items"]
        assert listed["answers"] == own["answers"]


def test_added_users_have_no_answers_and_can_give_them(
    web: TestClient, asking: dict[str, Any]
) -> None:
    """R12.4: who is added is not asked beforehand."""
    (added,) = created(web.post("/events/supper/registrations", json={"userIds": ["a"]}))["items"]
    assert added["answers"] == {}
    assert got(web.put("/events/supper/register/a", json={"answers": MEAT}))["answers"] == MEAT


def test_answers_are_changed_with_a_seat_and_on_the_waitlist(
    web: TestClient, asking: dict[str, Any]
) -> None:
    seated, waitlisted = register(web, "a", MEAT), register(web, "b", MEAT)
    assert (seated["position"], waitlisted["position"]) == (None, 1)
    for own in (seated, waitlisted):
        path = f"/events/supper/register/{own['userId']}"
        for answers in (VEGETARIAN, VEGETARIAN, MEAT | {"notes": "Late"}):
            assert got(web.put(path, json={"answers": answers})) == own | {"answers": answers}


def test_answers_of_someone_who_is_not_registered_are_404(
    web: TestClient, asking: dict[str, Any]
) -> None:
    response = web.put("/events/supper/register/b", json={"answers": MEAT})
    assert problem(response, 404, "not-registered") == {
        "eventId": "supper",
        "eventTitle": "Supper",
        "userId": "b",
    }


def test_answers_for_an_unknown_event_are_404(web: TestClient) -> None:
    response = web.put("/events/nothing/register/a", json={"answers": {}})
    assert problem(response, 404, "unknown-event") == {"eventId": "nothing"}


@pytest.mark.parametrize("because", ["started", "canceled"])
def test_answers_stay_once_the_event_has_started_or_is_canceled(
    web: TestClient, asking: dict[str, Any], harness: SlackHarness, because: str
) -> None:
    register(web, "a", MEAT)
    if because == "canceled":
        harness.bot.service.cancel_event("supper")
    else:
        start = harness.bot.service.get_event("supper").starts_at
        harness.clock.advance(start - harness.clock.now())
    response = web.put("/events/supper/register/a", json={"answers": VEGETARIAN})
    assert problem(response, 409, "registration-closed")["reason"] == because
    (listed,) = got(web.get("/users/a/registrations"))["items"]
    assert listed["answers"] == MEAT


def test_answers_are_changed_after_the_registration_deadline(
    web: TestClient, asking: dict[str, Any], harness: SlackHarness
) -> None:
    register(web, "a", MEAT)
    deadline = harness.clock.now() + timedelta(days=1)
    got(web.put("/events/supper", json={"registrationDeadline": deadline.isoformat()}))
    harness.clock.advance(timedelta(days=2))
    changed = got(web.put("/events/supper/register/a", json={"answers": VEGETARIAN}))
    assert changed["answers"] == VEGETARIAN


WRONG = [
    ({}, "answers.lunch", "must be given"),
    ({"lunch": ""}, "answers.lunch", "must be given"),
    ({"lunch": " \u200b"}, "answers.lunch", "must be given"),
    ({"lunch": "Fish"}, "answers.lunch", "Meat, Vegetarian"),
    ({"lunch": ["Meat"]}, "answers.lunch", "must be text"),
    ({"lunch": 7}, "answers.lunch", "must be text, or a list"),
    ({"lunch": {}}, "answers.lunch", "must be text, or a list"),
    (MEAT | {"days": "Monday"}, "answers.days", "must be a list of options"),
    (MEAT | {"days": ["Monday", "Sunday"]}, "answers.days", "Monday, Friday"),
    (MEAT | {"days": ["Monday", 7]}, "answers.days", "must be text, or a list"),
    (MEAT | {"days": ["Monday"] * 11}, "answers.days", "at most 10"),
    (MEAT | {"notes": "x" * (MAX_ANSWER_LENGTH + 1)}, "answers.notes", "at most 200 characters"),
    (MEAT | {"notes": "😀" * 101}, "answers.notes", "at most 200 characters"),
    (MEAT | {"notes": "\ud83d"}, "answers.notes", "whole characters"),
    (MEAT | {"size": "L"}, "answers.size", "is not an answer to a question"),
    (MEAT | {"\ud83d": "L"}, "answers.?", "is not an answer to a question"),
    ([], "answers", "must be an object"),
    (None, "answers", "must be an object"),
]


@pytest.mark.parametrize(("answers", "field", "reason"), WRONG)
def test_wrong_answers_are_refused_with_field_and_reason(
    web: TestClient, asking: dict[str, Any], answers: Any, field: str, reason: str
) -> None:
    """To register, and to change them. JSON may have half characters."""
    body = json.dumps({"userId": "b", "answers": answers})
    headers = {"Content-Type": "application/json"}
    refusals = [web.post("/events/supper/register", content=body, headers=headers)]
    register(web, "a", MEAT)
    body = json.dumps({"answers": answers})
    refusals.append(web.put("/events/supper/register/a", content=body, headers=headers))
    for response in refusals:
        refusal = problem(response, 422, "invalid")
        assert refusal["field"] == field
        assert reason in refusal["reason"]
    page = got(web.get("/events/supper/registrations"))
    assert [(one["userId"], one["answers"]) for one in page["registered"]] == [("a", MEAT)]
    assert page["waitlist"] == []


def test_program_that_does_not_know_of_questions_gets_the_field(
    web: TestClient, asking: dict[str, Any]
) -> None:
    response = web.post("/events/supper/register", json={"userId": "a"})
    assert problem(response, 422, "invalid")["field"] == "answers.lunch"


def test_program_that_does_not_know_of_questions_registers_if_none_is_required(
    web: TestClient, supper: dict[str, Any]
) -> None:
    ask(web, DAYS, NOTES)
    assert created(web.post("/events/supper/register", json={"userId": "a"}))["answers"] == {}


def test_update_of_a_registration_needs_answers(web: TestClient, asking: dict[str, Any]) -> None:
    response = web.put("/events/supper/register/a", json={})
    assert problem(response, 422, "invalid") == {"field": "answers", "reason": "must be given"}


def test_field_with_half_a_character_is_refused(web: TestClient, supper: dict[str, Any]) -> None:
    body, headers = '{"userId": "a", "\\ud83d": 1}', {"Content-Type": "application/json"}
    response = web.post("/events/supper/register", content=body, headers=headers)
    assert problem(response, 422, "invalid")


@pytest.mark.parametrize(
    ("questions", "field", "reason"),
    [
        (None, "questions", "must be a list"),
        ("Which lunch?", "questions", "must be a list"),
        (["Which lunch?"], "questions.0", "must be an object"),
        ([NOTES, {"text": "Why?"}], "questions.1.kind", "must be given"),
        ([{"kind": "text"}], "questions.0.text", "must be given"),
        ([NOTES | {"text": " \u200b"}], "questions.0.text", "must not be empty"),
        ([NOTES | {"text": "x" * (MAX_QUESTION_LENGTH + 1)}], "questions.0.text", "at most 150"),
        ([NOTES | {"text": "😀" * 76}], "questions.0.text", "at most 150"),
        ([NOTES | {"kind": "number"}], "questions.0.kind", "must be 'text', 'one' or 'several'"),
        ([NOTES | {"questionId": "?"}], "questions.0.questionId", "must consist of 1 to 64"),
        ([NOTES, NOTES], "questions", "must each have an id of its own"),
        ([NOTES | {"options": ["Yes"]}], "questions.0.options", "must be empty"),
        ([LUNCH | {"options": []}], "questions.0.options", "must be given"),
        ([{"text": "Why?", "kind": "several"}], "questions.0.options", "must be given"),
        ([LUNCH | {"options": ["A", "A"]}], "questions.0.options", "all be different"),
        ([LUNCH | {"options": ["A", " A\n"]}], "questions.0.options", "all be different"),
        ([LUNCH | {"options": ["A", ""]}], "questions.0.options.1", "must not be empty"),
        (
            [LUNCH | {"options": ["x" * (MAX_OPTION_LENGTH + 1)]}],
            "questions.0.options.0",
            "at most 75 characters",
        ),
        ([LUNCH | {"options": [*"abcdefghijk"]}], "questions.0.options", "at most 10"),
        (
            [LUNCH | {"options": [f"{n}{'x' * 74}" for n in range(10)]}, LUNCH_TOO],
            "questions",
            "at most 750 characters",
        ),
        ([LUNCH | {"required": "yes"}], "questions.0.required", "must be true or false"),
        ([LUNCH | {"color": "red"}], "questions.0.color", "is not a field here"),
        ([NOTES | {"questionId": f"q{n}"} for n in range(4)], "questions", "at most 3"),
    ],
)
def test_invalid_questions_are_refused_with_field_and_reason(
    web: TestClient, supper: dict[str, Any], questions: Any, field: str, reason: str
) -> None:
    given = {"questions": questions}
    responses = [
        web.post("/events", json=SUPPER | {"eventId": "other"} | given),
        web.put("/events/supper", json=given),
    ]
    for response in responses:
        refusal = problem(response, 422, "invalid")
        assert refusal["field"] == field
        assert reason in refusal["reason"]
    assert got(web.get("/events"))["items"] == [supper]


def test_kind_of_a_question_stays(web: TestClient, asking: dict[str, Any]) -> None:
    given = {"questions": [NOTES, LUNCH | {"kind": "several"}]}
    refusal = problem(web.put("/events/supper", json=given), 422, "invalid")
    assert refusal["field"] == "questions.1.kind"
    assert got(web.get("/events/supper")) == asking


def test_questions_stay_if_they_are_not_given(web: TestClient, asking: dict[str, Any]) -> None:
    after = got(web.put("/events/supper", json={"title": "Brunch"}))
    assert after["questions"] == asking["questions"]
