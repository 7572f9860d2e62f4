"""The second judge of histories: what it accepts and rejects, and that it agrees with the first one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.support.counting import Count
from tests.support.races.calls import Call
from tests.support.races.linearizability import NotLinearizable, find_order
from tests.support.reference_model import ReferenceModel
from tests.support.scale import scaled
from tests.support.second_checker import checker
from tests.support.second_checker.checker import Finding, judge
from tests.support.second_checker.from_races import histories_of
from tests.support.second_checker.history import (
    Already,
    Answer,
    BelowSeated,
    Canceled,
    Counts,
    Create,
    DeleteUser,
    Done,
    Edit,
    Full,
    History,
    Leave,
    Left,
    NotListed,
    NotOpen,
    NotRegistered,
    Operation,
    Own,
    Question,
    Read,
    Register,
    SetStatus,
    Start,
    Status,
    UnknownEvent,
)
from tests.support.second_checker.random_histories import changed, true_history

Asked = tuple[Question, Answer | None]

CALLS = 14

TWO_SEATS = Start(Status.OPEN, 2, has_waitlist=True, attendees=("a", "b", "c", "d"))
"""`a` and `b` have seats, `c` and `d` the positions 1 and 2."""

NO_WAITLIST = Start(Status.OPEN, 2, has_waitlist=False, attendees=("a", "b"))

CLOSED = replace(TWO_SEATS, status=Status.CLOSED)
CANCELED = replace(TWO_SEATS, status=Status.CANCELED)


def one_by_one(start: Start, *asked: Asked) -> History:
    """Return a history in which each operation begins after the one before has ended."""
    return History(
        [
            Operation(question, 10 * n, 10 * n + 5, answer)
            for n, (question, answer) in enumerate(asked)
        ],
        start,
    )


def together(start: Start, *asked: Asked) -> History:
    """Return a history of operations that were all under way at the same time."""
    return History([Operation(question, 0, 10, answer) for question, answer in asked], start)


def finding(history: History) -> Finding:
    return judge(history).finding


@pytest.mark.parametrize(
    ("start", "asked"),
    [
        (Start(), [(Create(1, has_waitlist=True), Done()), (Register("a"), Own(None, 1))]),
        (Start(), [(Read("a"), UnknownEvent()), (Create(1, has_waitlist=True), Done())]),
        (TWO_SEATS, [(Register("e"), Own(3, 5)), (Register("e"), Already(3))]),
        (TWO_SEATS, [(Leave("a"), Left(("c",), True, 1)), (Read("d"), Own(1, 4))]),
        (TWO_SEATS, [(Leave("c"), Left((), False, 3)), (Read("d"), Own(1, 4))]),
        (TWO_SEATS, [(DeleteUser("a"), Done()), (Read("c"), Own(None, 3))]),
        (TWO_SEATS, [(DeleteUser("z"), Done()), (Read(), Counts(2, Status.OPEN, 2, 2))]),
        (TWO_SEATS, [(Edit(5), Done(("c", "d"), True)), (Register("e"), Own(None, 5))]),
        (TWO_SEATS, [(Edit(3), Done(("c",), True)), (Read("d"), Own(1, 4))]),
        (TWO_SEATS, [(Edit(2), Done((), False)), (Edit(1), BelowSeated(1, 2))]),
        (
            TWO_SEATS,
            [(Edit(None, has_waitlist=False), Done((), True)), (Register("e"), Full(2, 2))],
        ),
        (NO_WAITLIST, [(Leave("a"), Left((), True, 1)), (Register("c"), Own(None, 3))]),
        (
            CLOSED,
            [(Register("e"), NotOpen(Status.CLOSED)), (SetStatus(Status.OPEN), Done((), True))],
        ),
        (CANCELED, [(SetStatus(Status.OPEN), Canceled()), (Leave("b"), Left(("c",), True))]),
        (TWO_SEATS, [(SetStatus(Status.DELETED), Done()), (Read("a"), UnknownEvent())]),
        (TWO_SEATS, [(SetStatus(Status.DELETED), Done()), (Read("a"), NotListed())]),
    ],
)
def test_true_answers_are_accepted(start: Start, asked: list[Asked]) -> None:
    assert finding(one_by_one(start, *asked)) is Finding.CONSISTENT


@pytest.mark.parametrize(
    ("start", "asked"),
    [
        pytest.param(TWO_SEATS, [(Register("e"), Own(None))], id="more seats than there are"),
        pytest.param(NO_WAITLIST, [(Register("c"), Own(1))], id="a waitlist that is not kept"),
        pytest.param(TWO_SEATS, [(Leave("a"), Left(("d",)))], id="a promotion out of order"),
        pytest.param(TWO_SEATS, [(Leave("a"), Left(()))], id="a seat that stays free"),
        pytest.param(TWO_SEATS, [(Leave("c"), Left(("d",)))], id="a promotion without a seat"),
        pytest.param(TWO_SEATS, [(Edit(4), Done(("d", "c")))], id="an increase out of order"),
        pytest.param(
            TWO_SEATS, [(Edit(4), Done(("c",)))], id="an increase that leaves a seat free"
        ),
        pytest.param(TWO_SEATS, [(Edit(1), Done(()))], id="fewer seats than are taken"),
        pytest.param(TWO_SEATS, [(Register("e"), Full(2, 2))], id="full with a waitlist"),
        pytest.param(
            TWO_SEATS, [(Register("e"), NotOpen(Status.CLOSED))], id="a refusal that was never true"
        ),
        pytest.param(CLOSED, [(Register("e"), Own(3))], id="a registration while it is closed"),
        pytest.param(TWO_SEATS, [(Register("e"), Own(2))], id="a position twice"),
        pytest.param(TWO_SEATS, [(Register("e"), Own(3, 6))], id="a ticket that is skipped"),
        pytest.param(TWO_SEATS, [(Register("a"), Own(3))], id="two registrations of one user"),
        pytest.param(
            TWO_SEATS,
            [(Register("e"), Own(3)), (Read("e"), NotRegistered())],
            id="a registration that is lost",
        ),
        pytest.param(
            TWO_SEATS, [(Leave("c"), Left(())), (Read("d"), Own(2))], id="a read of what was before"
        ),
        pytest.param(
            TWO_SEATS,
            [(DeleteUser("a"), Done()), (Read("a"), Own(None))],
            id="a registration of a deleted user",
        ),
        pytest.param(
            TWO_SEATS,
            [(SetStatus(Status.DELETED), Done()), (Register("e"), Own(3))],
            id="a registration for a deleted event",
        ),
        pytest.param(
            TWO_SEATS,
            [(SetStatus(Status.CANCELED), Done()), (SetStatus(Status.OPEN), Done())],
            id="a canceled event that is open again",
        ),
    ],
)
def test_wrong_answers_are_rejected(start: Start, asked: list[Asked]) -> None:
    assert finding(one_by_one(start, *asked)) is Finding.INCONSISTENT


def test_last_seat_is_given_once() -> None:
    one_seat = Start(Status.OPEN, 1, has_waitlist=False)
    first, refused = (Register("a"), Own(None)), (Register("b"), Full(1, 1))
    assert finding(together(one_seat, refused, first)) is Finding.CONSISTENT
    assert finding(together(one_seat, (Register("b"), Own(None)), first)) is Finding.INCONSISTENT


def test_order_in_time_counts() -> None:
    leaving, reading = (Leave("a"), Left(("c",))), (Read("c"), Own(1))
    assert finding(together(TWO_SEATS, leaving, reading)) is Finding.CONSISTENT
    assert finding(one_by_one(TWO_SEATS, leaving, reading)) is Finding.INCONSISTENT


def test_reads_one_after_the_other_see_no_earlier_state() -> None:
    """Both are true while `a` leaves, but not in this order."""
    leaving = Operation(Leave("a"), 0, 100, Left(("c",)))
    reads = [Operation(Read("c"), 10, 20, Own(None)), Operation(Read("c"), 30, 40, Own(1))]
    swapped = [replace(reads[0], answer=Own(1)), replace(reads[1], answer=Own(None))]
    assert finding(History([leaving, *reads], TWO_SEATS)) is Finding.INCONSISTENT
    assert finding(History([leaving, *swapped], TWO_SEATS)) is Finding.CONSISTENT


@pytest.mark.parametrize("status", [Own(1), Own(None)])
def test_operation_without_an_answer_may_have_taken_effect(status: Own) -> None:
    lost = Operation(Leave("a"), 0)
    read = Operation(Read("c"), 10, 20, status)
    assert finding(History([lost, read], TWO_SEATS)) is Finding.CONSISTENT


def test_operation_without_an_answer_takes_effect_once() -> None:
    lost = Operation(Leave("a"), 0)
    reads = [Operation(Read("c"), 10, 20, Own(None)), Operation(Read("c"), 30, 40, Own(1))]
    assert finding(History([lost, *reads], TWO_SEATS)) is Finding.INCONSISTENT


def test_verdict_names_the_answers_that_contradict_each_other() -> None:
    history = one_by_one(
        TWO_SEATS,
        (Read("b"), Own(None)),
        (Leave("c"), Left(())),
        (Read("a"), Own(None)),
        (Read("d"), Own(2)),
    )
    verdict = judge(history)
    assert [one.question for one in verdict.contradicting] == [Leave("c"), Read("d")]
    assert str(history.operations[3]) in str(verdict)


def test_first_operations_are_judged_without_what_came_after() -> None:
    history = one_by_one(TWO_SEATS, (Register("e"), Own(3)), (Read("e"), NotRegistered()))
    assert finding(history.first(1)) is Finding.CONSISTENT
    assert finding(history.first(2)) is Finding.INCONSISTENT


def test_answer_after_the_first_operations_is_left_out() -> None:
    """The registration that is left out explains it."""
    history = History(
        [Operation(Read("e"), 0, 30, Own(3)), Operation(Register("e"), 10, 20, Own(3))], TWO_SEATS
    )
    assert finding(history.first(1)) is Finding.CONSISTENT
    assert history.first(1).operations == [Operation(Read("e"), 0)]


def test_large_history_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MAX_SIZE", 1)
    assert finding(one_by_one(TWO_SEATS, (Register("e"), Own(None)))) is Finding.TOO_LARGE


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(40), marks=pytest.mark.short, id="few"),
        pytest.param(range(scaled(400)), marks=pytest.mark.soak, id="many"),
    ],
)
def test_both_judges_agree(seeds: range, count: Count) -> None:
    """Each seed is a true history, and the same with one thing and with two things changed."""
    for seed in seeds:
        dice = random.Random(seed)
        race, model, calls = true_history(dice, CALLS)
        once = changed(dice, calls)
        for history in (calls, once, changed(dice, once)):
            verdict = judge(histories_of(race.events, history)["e1"])
            has_order = accepted_by_the_first(model, history)
            assert (verdict.finding is Finding.CONSISTENT) is has_order, f"seed {seed}: {verdict}"
            count(
                "histories that both judges accept"
                if has_order
                else "histories that both judges reject",
                1,
            )
        assert accepted_by_the_first(model, calls)


def accepted_by_the_first(model: ReferenceModel, calls: list[Call]) -> bool:
    try:
        find_order(model, calls)
    except NotLinearizable:
        return False
    return True
