"""Tests of the search for an order: histories that it must reject, and histories that it must accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.races import linearizability
from tests.support.races.calls import BUSY, Call, Facts, model_answer
from tests.support.races.linearizability import NotLinearizable, Undecided, find_order
from tests.support.reference_model import ReferenceModel

SEAT: Facts = ("placed", 1, None)


def call(name: str, *args: object, at: tuple[int, int | None], answer: Facts | None) -> Call:
    return Call(name, args, at[0], at[1], answer)


def registers(user_id: str, at: tuple[int, int | None], *answer: object) -> Call:
    return call("register", "e1", user_id, at=at, answer=answer)


def leaves(user_id: str, at: tuple[int, int | None], *answer: object) -> Call:
    return call("unregister", "e1", user_id, at=at, answer=answer)


def model_of(*attendees: str, capacity: int = 1, has_waitlist: bool = True) -> ReferenceModel:
    """Return a model of one event with these attendees, and four other users."""
    model = ReferenceModel(users={"a", "b", "c", "d", *attendees})
    model.create_event("e1", capacity, has_waitlist)
    for user_id in attendees:
        model.register("e1", user_id)
    return model


def accepted(model: ReferenceModel, *calls: Call, final: ReferenceModel | None = None) -> bool:
    try:
        find_order(model, calls, final.contents() if final else None)
    except NotLinearizable:
        return False
    return True


# Histories to reject


def test_last_seat_given_twice_is_rejected() -> None:
    """R7.3."""
    both = registers("a", (0, 9), *SEAT), registers("b", (0, 9), "placed", 2, None)
    assert not accepted(model_of(), *both)
    assert accepted(model_of(capacity=2), *both)


def test_ticket_given_twice_is_rejected() -> None:
    calls = registers("a", (0, 9), *SEAT), registers("b", (0, 9), *SEAT)
    assert not accepted(model_of(capacity=2), *calls)


def test_impossible_position_is_rejected() -> None:
    first, second = registers("a", (0, 9), *SEAT), registers("b", (0, 9), "placed", 2, 2)
    assert not accepted(model_of(), first, second)
    assert accepted(model_of(), first, replace(second, answer=("placed", 2, 1)))


def test_later_call_before_an_answered_one_is_rejected() -> None:
    """Calls that overlap may have either order; calls that don't, only their own."""
    first, second = registers("a", (0, 4), "placed", 2, 1), registers("b", (3, 9), *SEAT)
    assert accepted(model_of(), first, second)
    assert not accepted(model_of(), first, replace(second, invoked=5))


def test_refusal_after_a_seat_came_free_is_rejected() -> None:
    """The leave was answered before the register began: "full" had been true, but not any more."""
    model = model_of("z", has_waitlist=False)
    left = leaves("z", (0, 4), "left", "registered", 1, ())
    full = registers("a", (3, 9), "EventFull", 1, 1)
    assert accepted(model, left, full)
    assert not accepted(model, left, replace(full, invoked=5))


def test_refusal_with_an_impossible_count_is_rejected() -> None:
    model = model_of("z", capacity=2, has_waitlist=False)
    placed = registers("a", (0, 9), "placed", 2, None)
    assert not accepted(model, placed, registers("b", (0, 9), "EventFull", 2, 1))
    assert accepted(model, placed, registers("b", (0, 9), "EventFull", 2, 2))


def test_lost_promotion_is_rejected() -> None:
    model = model_of("z", "y")
    assert not accepted(model, leaves("z", (0, 9), "left", "registered", 1, ()))
    assert accepted(model, leaves("z", (0, 9), "left", "registered", 1, ("y",)))


def test_second_promotion_is_rejected() -> None:
    model = model_of("z", "y", "w", capacity=2)
    first = leaves("z", (0, 9), "left", "registered", 1, ("w",))
    assert accepted(model, first, leaves("y", (0, 9), "left", "registered", 2, ()))
    assert not accepted(model, first, leaves("y", (0, 9), "left", "registered", 2, ("w",)))


def test_promotion_out_of_order_is_rejected() -> None:
    model = model_of("z", "y", "w")
    assert not accepted(model, leaves("z", (0, 9), "left", "registered", 1, ("w",)))


def test_contents_that_contradict_the_answers_are_rejected() -> None:
    end = model_of("a")
    assert accepted(model_of(), registers("a", (0, 9), *SEAT), final=end)
    assert not accepted(model_of(), registers("a", (0, 9), *SEAT), final=model_of())
    assert not accepted(model_of(), final=end)


def test_busy_call_that_changed_something_is_rejected() -> None:
    """`Busy` means that nothing was changed."""
    assert accepted(model_of(), registers("a", (0, 9), *BUSY), final=model_of())
    assert not accepted(model_of(), registers("a", (0, 9), *BUSY), final=model_of("a"))


def test_unanswered_call_may_or_may_not_have_happened() -> None:
    lost = call("register", "e1", "a", at=(5, None), answer=None)
    assert accepted(model_of(), lost, final=model_of())
    assert accepted(model_of(), lost, final=model_of("a"))
    assert not accepted(model_of(), lost, final=model_of("b"))
    # It can't happen before it was made, but at any time after.
    assert not accepted(model_of(), registers("b", (0, 4), "placed", 2, 1), lost)
    assert accepted(model_of(), registers("b", (6, 9), "placed", 2, 1), lost)


def test_read_of_a_later_state_is_rejected() -> None:
    placed = registers("a", (5, 9), *SEAT)
    read = call("get_registration", "e1", "a", at=(0, 4), answer=("own", "registered", 1, None))
    assert not accepted(model_of(), placed, read)
    assert accepted(model_of(), placed, replace(read, responded=6))


def test_preview_that_mixes_two_moments_is_rejected() -> None:
    """While the user had the only seat, no one was waitlisted; the preview says otherwise."""
    left = leaves("z", (0, 9), "left", "registered", 1, ())
    joined = registers("a", (0, 9), "placed", 2, None), registers("b", (0, 9), "placed", 3, 1)
    mixed = ("preview", "registered", 1, None, True, 1)
    preview = call("preview_unregister", "e1", "z", at=(0, 9), answer=mixed)
    assert not accepted(model_of("z"), left, *joined, preview)
    true = ("preview", "registered", 1, None, False, None)
    assert accepted(model_of("z"), left, *joined, replace(preview, answer=true))


# Long operations


def deletes(user_id: str, at: tuple[int, int], *answer: object) -> Call:
    return call("delete_user", user_id, at=at, answer=answer)


def test_deleted_user_leaves_event_by_event() -> None:
    """In between, the user has left one event but not the other, and is unknown in both (R7.1)."""
    model = model_of("z", "y")
    model.create_event("e2", 1, has_waitlist=True)
    model.register("e2", "z")
    calls = [
        deletes("z", (0, 9), "deleted", True),
        call("get_registration", "e1", "y", at=(1, 2), answer=("own", "registered", 2, None)),
        call("get_event", "e2", at=(3, 4), answer=("event", 1, "open", 1, 0)),
        registers("z", (5, 6), "UnknownUser"),
    ]
    end = model.copied()
    end.delete_user("z")
    assert accepted(model, *calls, final=end)
    assert not accepted(model, *calls, final=model)
    unmarked = registers("z", (5, 6), "AlreadyRegistered", "registered", None)
    assert not accepted(model, *calls[:3], unmarked)


def test_deletion_reported_done_too_early_is_rejected() -> None:
    read = call("get_event", "e1", at=(10, 11), answer=("event", 1, "open", 1, 0))
    assert not accepted(model_of("z"), deletes("z", (0, 9), "deleted", True), read)
    assert accepted(model_of("z"), deletes("z", (0, 9), "deleted", False), read)


def test_two_deletions_of_one_user_wait_for_the_same_end() -> None:
    model = model_of("z")
    both = deletes("z", (0, 9), "deleted", True), deletes("z", (0, 11), "deleted", True)
    created = call("create_user", "z", at=(12, 15), answer=("created",))
    end = model_of()
    end.event("e1").tickets_given = 1
    end.users.add("z")
    assert accepted(model, *both, created, final=end)
    assert not accepted(model, *both, replace(created, answer=("DuplicateUser",)))
    late = deletes("z", (10, 11), "UnknownUser")
    assert accepted(model, *both, late)
    assert not accepted(model, *both, replace(late, invoked=16, responded=17), created)


def test_user_is_created_again_only_after_the_deletion_ended() -> None:
    created = call("create_user", "z", at=(1, 2), answer=("created",))
    still_in = call("is_in", "e1", "z", at=(3, 4), answer=("own", "registered", 1, None))
    deleted = deletes("z", (0, 9), "deleted", True)
    assert accepted(model_of("z"), deleted, created)
    assert not accepted(model_of("z"), deleted, created, still_in)
    assert accepted(model_of("z"), deleted, replace(created, answer=("DuplicateUser",)), still_in)


def crowd(number: int) -> list[str]:
    return [f"w{n}" for n in range(number)]


def edits(capacity: int, at: tuple[int, int], *answer: object) -> Call:
    return call("edit_event", "e1", capacity, None, at=at, answer=answer)


def test_long_capacity_increase_continues_seat_by_seat_until_overtaken() -> None:
    """R2.5: the first commit promotes 49 users, the others follow; a lower capacity stops it."""
    users = crowd(60)
    model = model_of("z", *users)
    increased = edits(100, (0, 9), "changed", tuple(users[:49]), True)
    end = model.copied()
    end.edit("e1", 100, None)
    assert accepted(model, increased, final=end)
    lowered = edits(53, (10, 19), "changed", (), True)
    stopped = model.copied()
    stopped.edit("e1", 53, None)
    assert accepted(model, increased, lowered, final=stopped)
    assert not accepted(model, increased, lowered, final=end)
    below = edits(53, (10, 19), "CapacityBelowRegistered", 53, 54)
    assert accepted(model, increased, below, final=end)
    assert not accepted(
        model, increased, replace(below, answer=("CapacityBelowRegistered", 53, 50))
    )


def test_short_capacity_increase_is_one_moment() -> None:
    """Promotions that fit into one commit happen together or not at all."""
    users = crowd(6)
    model = model_of("z", *users)
    assert accepted(model, edits(5, (0, 9), "changed", tuple(users[:4]), True))
    assert not accepted(model, edits(5, (0, 9), "changed", tuple(users[:3]), True))
    assert not accepted(model, edits(1, (0, 9), "changed", (), True))


def test_edit_with_only_a_confirmation_may_take_effect_in_either_order() -> None:
    """Over HTTP: at first setting the waitlist changes nothing; later it does."""
    on = call("put_event", "e1", None, True, at=(0, 9), answer=("edited",))
    off = call("put_event", "e1", None, False, at=(0, 9), answer=("edited",))
    for has_waitlist in (True, False):
        assert accepted(model_of(), on, off, final=model_of(has_waitlist=has_waitlist))
    after = replace(off, invoked=10, responded=19)
    assert not accepted(model_of(), on, after, final=model_of())


def test_deleted_event_is_unknown() -> None:
    deleted = call("delete_event", "e1", at=(0, 9), answer=("deleted", False))
    assert accepted(model_of(), deleted, registers("a", (0, 9), *SEAT))
    assert accepted(model_of(), deleted, registers("a", (10, 19), "UnknownEvent"))
    assert not accepted(model_of(), deleted, registers("a", (10, 19), *SEAT))


# The search itself


def test_rejection_reports_how_far_the_search_got() -> None:
    with pytest.raises(NotLinearizable, match=r"register\(e1, b\).*model says .*'placed', 2, 1"):
        find_order(
            model_of(), [registers("a", (0, 1), *SEAT), registers("b", (2, 3), "placed", 2, 2)]
        )
    with pytest.raises(NotLinearizable, match="contents at the end"):
        find_order(model_of(), [], model_of("a").contents())


def test_history_with_too_many_orders_is_undecided() -> None:
    users = crowd(12)
    model = model_of("z", *users)
    calls = [
        leaves(user_id, (0, 9), "left", "waitlisted", n + 2, ()) for n, user_id in enumerate(users)
    ]
    with pytest.raises(Undecided):
        find_order(model, calls, model.contents(), max_states=10)


def is_explained_by_any_order(
    model: ReferenceModel, calls: Sequence[Call], final: ReferenceModel
) -> bool:
    """Return whether an order exists, by trying all of them."""
    for order in permutations(calls):
        if any(
            later.responded is not None and later.responded < earlier.invoked
            for n, earlier in enumerate(order)
            for later in order[n + 1 :]
        ):
            continue
        trial = model.copied()
        answers = [model_answer(trial, one) for one in order]
        if answers == [one.answer for one in order] and trial.contents() == final.contents():
            return True
    return False


names = st.sampled_from(["register", "unregister", "preview_unregister", "edit_event", "put_event"])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Call], ReferenceModel]:
    """Draw overlapping calls, with the answers and the contents of some order, which may contradict their times."""
    asked: list[Call] = []
    for _ in range(draw(st.integers(1, 5))):
        name = draw(names)
        begins = draw(st.integers(0, 12))
        args: Facts = ("e1", draw(st.sampled_from("abc")))
        if name.endswith("event"):
            args = ("e1", draw(st.integers(1, 3)), draw(st.none() | st.booleans()))
        asked.append(Call(name, args, begins, begins + draw(st.integers(0, 8))))
    model = model_of()
    order = draw(st.permutations(asked))
    return [replace(one, answer=model_answer(model, one)) for one in order], model


@given(histories())
@settings(max_examples=200)
def test_search_agrees_with_trying_all_orders(
    drawn: tuple[list[Call], ReferenceModel],
) -> None:
    calls, final = drawn
    explained = is_explained_by_any_order(model_of(), calls, final)
    assert accepted(model_of(), *calls, final=final) == explained


asked_of_two = st.sampled_from(
    [
        *("register", "register", "unregister", "is_in", "set_co_organizer", "take_over"),
        *("delete_user", "delete_user", "create_user", "get_user"),
    ]
)


@st.composite
def histories_of_two_events(draw: st.DrawFn) -> tuple[list[Call], ReferenceModel]:
    """Draw calls about two events and their users, and the contents of one order of them."""
    model = model_of_two()
    calls: list[Call] = []
    for number in range(draw(st.integers(1, 9))):
        name, user_id = draw(asked_of_two), draw(st.sampled_from("ab"))
        event_id = draw(st.sampled_from(["e1", "e2"]))
        args: Facts = (user_id,) if name.endswith("user") else (event_id, user_id)
        begins = draw(st.integers(0, 30))
        one = Call(name, args, begins, begins + draw(st.integers(0, 20)))
        answer: Facts = ("deleted", draw(st.booleans()))
        if name != "delete_user":
            answer = model_answer(model, one)
        elif user_id in model.users or user_id in model.deleting:
            model.start_user_deletion(user_id, number)
        else:
            answer = ("UnknownUser",)
        calls.append(replace(one, answer=answer))
        for _ in range(draw(st.integers(0, 3))):
            steps = [do for _, _, do in linearizability.background_steps(model)]
            if steps:
                draw(st.sampled_from(steps))(model)
    while steps := [do for _, _, do in linearizability.background_steps(model)]:
        steps[0](model)
    return calls, model


def model_of_two() -> ReferenceModel:
    model = model_of("a", "z")
    model.create_event("e2", 1, has_waitlist=True)
    return model


@given(histories_of_two_events())
@settings(max_examples=100)
def test_searching_one_event_at_a_time_makes_no_difference(
    drawn: tuple[list[Call], ReferenceModel],
) -> None:
    """The search takes one event at a time where that is enough; without it, the result is the same."""
    calls, final = drawn
    found = accepted(model_of_two(), *calls, final=final)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linearizability._Search, "_events_that_matter", lambda *_: None)
        patch.setattr(linearizability._Search, "_only_joins", lambda *_: False)
        assert accepted(model_of_two(), *calls, final=final) == found
