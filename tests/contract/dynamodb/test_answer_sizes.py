"""The largest questions and answers fit DynamoDB: 400 KB an item, 4 MB and 100 actions a transaction (R12.3)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from domain.commands import ChangeAnswers, Command, Edit, Outcome, Register
from domain.enums import QuestionKind
from domain.errors import RollcallError
from domain.execution.loader import load_snapshot
from domain.execution.request_codec import encode_results
from domain.inputs import (
    MAX_ANSWER_LENGTH,
    MAX_OPTION_LENGTH,
    MAX_OPTIONS,
    MAX_OPTIONS_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    EventChanges,
    QuestionDraft,
    utf16_length,
)
from domain.planning import planner
from domain.planning.plan import PutBatchResults
from domain.questions import Answers
from domain.queued import BatchResults
from storage.dynamodb.conditions import transact_item
from storage.dynamodb.store import DynamoDBStore
from tests.support.environment import START, ids, new_event, new_users, service_on
from tests.support.stores import empty_local

SCRIPTS = {"Latin": "w", "Chinese": "餐", "emoji": "🍜", "Arabic": "م"}

Ask = Callable[[str, int], tuple[QuestionDraft, ...]]

MAX_ITEM_BYTES = 400 * 1024
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024

LONGEST_ID = "i" * 63
"""Ids have up to 64 characters."""


def longest(script: str, units: int, number: int = 0) -> str:
    """Return a text of this many UTF-16 units, another one for each number."""
    ending = f"{number}" if number else ""
    return script * ((units - len(ending)) // utf16_length(script)) + ending


def texts(script: str, number: int) -> tuple[QuestionDraft, ...]:
    """Return as many questions as an event asks, each answered with a text."""
    return tuple(
        QuestionDraft(
            question_id=f"{LONGEST_ID}{one}",
            text=longest(script, MAX_QUESTION_LENGTH, number),
            kind=QuestionKind.TEXT,
            required=True,
        )
        for one in range(MAX_QUESTIONS)
    )


def choices(script: str, number: int) -> tuple[QuestionDraft, ...]:
    """Return questions with all the options that an event may have, each as long as it may be."""
    options = [longest(script, MAX_OPTION_LENGTH - 2, one) for one in range(1, MAX_OPTIONS + 1)]
    assert sum(map(utf16_length, options)) > 0.9 * MAX_OPTIONS_LENGTH
    several = QuestionDraft(
        question_id=f"{LONGEST_ID}9",
        text=longest(script, MAX_QUESTION_LENGTH, number),
        kind=QuestionKind.SEVERAL,
        options=tuple(options),
    )
    return (several, *texts(script, number)[:2])


def answers(questions: tuple[QuestionDraft, ...], script: str, number: int) -> Answers:
    """Return the longest answers."""
    return {
        str(one.question_id): one.options or longest(script, MAX_ANSWER_LENGTH, number)
        for one in questions
    }


def commit(store: DynamoDBStore, commands: list[Command], plan_id: str) -> tuple[int, int, int]:
    """Commit all commands at once; return the bytes of the largest row, of the results, and of the transaction.

    The results are those that the consumer of the request queue would write with it, for one command less.
    An action's JSON has the item and more, so DynamoDB counts less.
    """
    snapshot = load_snapshot(store, "e1", commands)
    plan = planner.plan(snapshot, commands, event_id="e1", now=START, plan_id=plan_id)
    assert len(plan.outcomes) == len(commands)
    refused: list[Outcome | RollcallError] = [
        one for one in plan.outcomes if isinstance(one, RollcallError)
    ]
    assert refused == []
    request_ids = [f"{'r' * 30}{number}" for number in range(len(commands))]
    results = BatchResults("e1", 0, 1, encode_results(request_ids, plan.outcomes, START))
    *sizes, of_results = (
        len(json.dumps(transact_item(store._keys, action), ensure_ascii=False).encode())
        for action in (*plan.actions, PutBatchResults(results))
    )
    store.commit(plan)
    return max(sizes), of_results, sum(sizes) + of_results


@pytest.mark.parametrize("ask", [texts, choices], ids=["texts", "options"])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize(("capacity", "together"), [(100, 49), (1, 32)], ids=["seats", "waitlist"])
def test_full_batch_with_the_largest_answers_is_far_below_the_limits(
    script: str, capacity: int, together: int, ask: Ask
) -> None:
    """DynamoDB Local takes each: registrations, all of their answers changed, and other questions."""
    with empty_local() as store:
        service = service_on(store, new_id=ids(f"{capacity}{script}"))
        user_ids = [f"{'u' * 60}{number}" for number in range(together)]
        new_users(service, "first", *user_ids)
        questions, others = ask(script, 1), ask(script, 2)
        new_event(service, capacity=capacity, questions=questions)
        service.register("e1", "first", answers(questions, script, 1))
        given, changed = answers(questions, script, 1), answers(questions, script, 2)
        everything = EventChanges.of(
            questions=others,
            title=longest(script, 120),
            location=longest(script, 200),
            description=longest(script, 2_500),
        )

        batches: dict[str, list[Command]] = {
            "register": [Register(user_id, given) for user_id in user_ids],
            "change": [ChangeAnswers(user_id, changed) for user_id in user_ids],
            "edit": [Edit(everything, None)],
        }
        for plan_id, commands in batches.items():
            row, of_results, transaction = commit(store, commands, plan_id)
            assert row < MAX_ITEM_BYTES / 10
            assert of_results < MAX_ITEM_BYTES * 0.6
            assert transaction < MAX_TRANSACTION_BYTES / 8

        page = service.list_registrations_in("e1", limit=100)
        found = [one.answers for one in page.registered]
        found += [one.answers for one in page.waitlist]
        assert (found.count(changed), len(found)) == (together, together + 1)
