"""Queued requests and their results keep everything on their way through JSON (R14)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import get_args

import pytest

from domain import errors
from domain.commands import (
    AddAttendees,
    AddOutcome,
    Announce,
    AnswersOutcome,
    Attendee,
    ChangeAnswers,
    ChangeLeftOut,
    ChangeOutcome,
    Command,
    Create,
    Edit,
    EditSeries,
    EndSeries,
    Export,
    FollowChannel,
    Outcome,
    PostCard,
    Register,
    RegisterOutcome,
    Remove,
    SetStatus,
    StartDeletion,
    TakeOver,
    Unregister,
    UnregisterOutcome,
)
from domain.enums import Audience, Cause, ClosedReason, EventStatus, RegistrationStatus, Visibility
from domain.errors import RollcallError
from domain.execution.request_codec import (
    InDoubt,
    UnreadableRequest,
    decode_command,
    decode_result,
    encode_command,
    encode_results,
)
from domain.inputs import EventChanges, RecurrenceDraft
from domain.models import Actor
from domain.queued import RequestResult
from tests.support.builders import a_registration, a_waitlisted_registration, an_event
from tests.support.environment import START

ACTOR = Actor("U1", is_admin=True)
EVENT = an_event("e1", title="Yöga 🧘", capacity=3)
SEAT = a_registration()

WEEKLY = RecurrenceDraft.of(frequency="weekly", interval=2, until=date(2027, 1, 1))

COMMANDS: tuple[Command, ...] = (
    Create(EVENT, "U1", "C1"),
    Register("U1"),
    Register("U1", {"size": "M"}, frozenset({"a fingerprint"})),
    ChangeAnswers("U1", {"size": "L"}, None, with_position=True),
    AddAttendees(("U1", "U2"), ACTOR, "request 1", creates_users=True),
    Unregister("U1", Cause.OWN, 7),
    Remove("U1", ACTOR, "a reason"),
    Edit(EventChanges.of(title="Another", capacity=4), ACTOR, "a note"),
    Edit(EventChanges.of(ends_at=None, starts_at=START), None),
    FollowChannel("C1", is_private=True),
    SetStatus(EventStatus.CANCELED, ACTOR, "a reason"),
    Announce("some text", Audience.EVERYONE, ACTOR, "request 1"),
    Export(ACTOR, "request 1"),
    PostCard("C1", "1.2", None, "request 1"),
    TakeOver(ACTOR),
    StartDeletion(None),
    EditSeries(EventChanges.of(title="Another"), ACTOR, 3, WEEKLY, "a note"),
    EndSeries(ACTOR, cancels=True, reason="a reason"),
    ChangeLeftOut(ACTOR, (START.date(),), (START.date() + timedelta(days=7),)),
)

OUTCOMES: tuple[Outcome, ...] = (
    RegisterOutcome(EVENT, SEAT),
    RegisterOutcome(EVENT, a_waitlisted_registration(), 4),
    AnswersOutcome(EVENT, SEAT, changed=False),
    AddOutcome(EVENT, (Attendee(SEAT),), (Attendee(a_waitlisted_registration(), 2),)),
    UnregisterOutcome(EVENT, SEAT, ("U2", "U3"), notifies=False, can_return=True),
    ChangeOutcome(EVENT, promoted=("U2",), is_moved=True, new_questions=2),
)

REFUSALS: tuple[RollcallError, ...] = (
    errors.Invalid("starts_at", "must be in the future"),
    errors.UnknownUser("U1"),
    errors.UnknownEvent("e1"),
    errors.DuplicateEvent("e1"),
    errors.EventFull("e1", "Yoga", 3, 3),
    errors.TooFewSeats("e1", "Yoga", 4, 2),
    errors.TooManyToAdd("e1", 60, 49),
    errors.AlreadyRegistered(
        "e1", "Yoga", "U1", RegistrationStatus.WAITLISTED, 2, takes_answers=True
    ),
    errors.AnswersNeeded("e1", "Yoga"),
    errors.NotRegistered("e1", "Yoga", "U1"),
    errors.EventOver("e1", "Yoga", START),
    errors.RegistrationClosed("e1", "Yoga", ClosedReason.DEADLINE, START + timedelta(days=1)),
    errors.CapacityBelowRegistered("e1", 2, 3),
    errors.CapacityBelowRegistered("e1", 2, 3, START.date()),
    errors.EventCanceled("e1"),
    errors.NotASeries("e1", "Yoga"),
    errors.SeriesBusy(),
    errors.NotOrganizer("e1", "U1"),
    errors.AttendeesHidden("e1", "Yoga", Visibility.ORGANIZERS),
    errors.AlreadyOrganized("e1", "Yoga", "U1"),
    errors.Busy(),
    errors.TooLate(),
    errors.OperatorNeeded("a sentence for the operator"),
    errors.RequestFailed("reference"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_comes_back_as_it_was(command: Command) -> None:
    assert decode_command(encode_command(command)) == (command, None)


def test_every_command_that_is_sent_is_tried() -> None:
    """Steps of long operations and repairs are not queued."""
    steps = {
        *("ContinueCapacityIncrease", "RemoveAttendees", "FinishDeletion", "RemoveOrganizer"),
        *("RunSchedule", "ApplyFix", "FillFreeSeats"),
        *("Enroll", "FinishEnrolling", "FinishCarrying"),
    }
    kinds = {kind.__name__ for kind in get_args(Command)} - steps
    assert {type(command).__name__ for command in COMMANDS} == kinds


def test_fields_that_an_edit_does_not_give_stay_ungiven() -> None:
    """A field that was filled in with its default would overwrite what is stored."""
    command, _ = decode_command(encode_command(Edit(EventChanges.of(capacity=4), None)))
    assert isinstance(command, Edit)
    assert command.changes.model_fields_set == {"capacity"}


def test_plan_in_doubt_comes_back_as_it_was() -> None:
    (result,) = encode_results([""], [OUTCOMES[0]], START)
    in_doubt = InDoubt("plan 1", 7, result)
    assert decode_command(encode_command(Register("U1"), in_doubt)) == (Register("U1"), in_doubt)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    (result,) = encode_results(["r1"], [outcome], START)
    assert decode_result(result) == outcome


def test_every_kind_of_outcome_is_tried() -> None:
    assert {type(outcome) for outcome in OUTCOMES} == set(get_args(Outcome))


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusal_comes_back_as_it_was(refusal: RollcallError) -> None:
    (result,) = encode_results(["r1"], [refusal], START)
    decoded = decode_result(result)
    assert type(decoded) is type(refusal)
    assert vars(decoded) == vars(refusal)


def test_every_refusal_of_a_command_is_tried() -> None:
    """The others come from elsewhere: users' own methods, or what a function says of its queue."""
    others = {"RollcallError", "DuplicateUser", "NotConfirmed", "Queued", "OutcomeUnknown"}
    kinds = {name for name, kind in vars(errors).items() if _is_refusal(kind)} - others
    assert {type(refusal).__name__ for refusal in REFUSALS} == kinds


def _is_refusal(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, RollcallError)


def test_results_of_a_batch_share_their_event() -> None:
    results = encode_results(["r1", "r2", "r3"], [OUTCOMES[0], REFUSALS[0], OUTCOMES[1]], START)
    assert results[0].event is results[2].event
    assert results[1].event is None


@pytest.mark.parametrize(
    "result",
    [
        RequestResult("r1", START, "no JSON"),
        RequestResult("r1", START, json.dumps({"kind": "Newer", "value": {}}), "{}"),
        RequestResult("r1", START, json.dumps({"kind": "RegisterOutcome", "value": {}}), "{}"),
        RequestResult("r1", START, json.dumps({"kind": "RegisterOutcome", "value": {}})),
        RequestResult("r1", START, json.dumps({"kind": "EventFull", "value": {}})),
    ],
)
def test_result_that_can_not_be_read_is_named_so(result: RequestResult) -> None:
    with pytest.raises(UnreadableRequest):
        decode_result(result)
