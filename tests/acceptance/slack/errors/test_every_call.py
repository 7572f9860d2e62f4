"""Every call to Slack for a waiting person, under every kind of failure: what they read, what is logged (R8.12).

`tests/acceptance/slack/notifications/` has the calls of the worker: `chat.postMessage` and `chat.update`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from bot.blocks.ids import ActionId
from bot.slack.error_messages import CARD_UNSURE, SENTENCES, unexpected
from bot.slack.refusals import RefreshFailed, SlackBusy
from domain.enums import EventStatus
from playground.client.member_client import ActionResult
from playground.demo.seed import RANDOM
from playground.web_api.fault_injection import Fault
from playground.workspace.model import View
from tests.support.invariants import Everything
from tests.support.notifications.delivery import undelivered
from tests.support.slack import sentences
from tests.support.slack.event_form import filled, opened
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SlackHarness, reply, shown, text_of
from tests.support.slack.modals import manage_modal, press, top

BUSY = SENTENCES[SlackBusy](None)
DONE = SENTENCES[RefreshFailed](None)
UNEXPECTED = unexpected("REFERENCE").text.partition("`")[0]
CREATED = "*Pottery* is open for registration."
NOT_SENT = "Please try again in a moment."

PASSING = {
    "429": Fault.rate_limited(1),
    "503": Fault.server_error(503),
    "closed": Fault.closed(),
}
OF_APP = Fault.refused("accesslimited")
UNKNOWN = Fault.refused("purple_moon")
"""A code that Slack's reference does not have."""


@dataclass(frozen=True)
class Call:
    """What a member does, the method that it calls, and what they read if the call fails.

    `passing` is the sentence for a failure that passes, `lasting` for one that does not. `is_done` says
    whether what was asked for is stored all the same.
    """

    method: str
    act: Callable[[SlackHarness], ActionResult]
    passing: str
    lasting: str = UNEXPECTED
    is_done: Callable[[Everything], bool] = lambda _: True


def is_created(everything: Everything) -> bool:
    return any(event.title == "Pottery" for event in everything.events.values())


def home(harness: SlackHarness, user_id: str = BJORN) -> View:
    view = harness.slack.open_home(user_id).home
    assert view is not None
    return view


def press_in_home(action: ActionId) -> Callable[[SlackHarness], ActionResult]:
    return lambda harness: harness.slack.click(BJORN, home(harness), action)


def press_in_manage(action: ActionId) -> Callable[[SlackHarness], ActionResult]:
    def act(harness: SlackHarness) -> ActionResult:
        return harness.slack.click(BJORN, manage_modal(harness), action)

    return act


def press_on_card(action: ActionId) -> Callable[[SlackHarness], ActionResult]:
    def act(harness: SlackHarness) -> ActionResult:
        card = harness.card(harness.bot.service.get_event("yoga"))
        return harness.slack.click(BJORN, card, action)

    return act


def show_more_attendees(harness: SlackHarness) -> ActionResult:
    harness.register(*[f"U{number:03}" for number in range(40)])
    return harness.slack.click(BJORN, manage_modal(harness), ActionId.ATTENDEES_PAGE)


def confirm_unregister(harness: SlackHarness) -> ActionResult:
    """Unregister in a modal that asks first, because someone else gets the seat."""
    harness.event("chess", title="Chess", capacity=1)
    harness.register(BJORN, CHLOE, event_id="chess")
    harness.slack.click(BJORN, home(harness), ActionId.UNREGISTER, value="chess")
    return harness.slack.click(BJORN, top(harness), ActionId.UNREGISTER_CONFIRMED)


def create(harness: SlackHarness) -> ActionResult:
    return harness.slack.submit(BJORN, opened(harness).id, filled(harness))


def add_to_calendar(harness: SlackHarness) -> ActionResult:
    harness.register(BJORN)
    listed = harness.slack.command(BJORN, RANDOM, "/registrations")
    return harness.slack.click(BJORN, listed.ephemeral[-1], ActionId.ADD_TO_CALENDAR)


CALLS: Mapping[str, Call] = {
    "picker by command": Call(
        "views.open", lambda harness: harness.slack.command(BJORN, RANDOM, "/register"), BUSY
    ),
    "Manage by command": Call(
        "views.open", lambda harness: harness.slack.command(BJORN, RANDOM, "/event", "yoga"), BUSY
    ),
    "Manage on a card": Call("views.open", press_on_card(ActionId.MANAGE), BUSY),
    "form in Home": Call("views.open", press_in_home(ActionId.CREATE_EVENT), BUSY),
    "form in Manage": Call("views.push", press_in_manage(ActionId.CANCEL_EVENT), BUSY),
    "page of attendees": Call("views.update", show_more_attendees, BUSY),
    # After a change, the sentence says what is true then.
    "close": Call(
        "views.update",
        press_in_manage(ActionId.CLOSE),
        DONE,
        is_done=lambda all: all.events["yoga"].status is EventStatus.CLOSED,
    ),
    "export": Call("views.update", press_in_manage(ActionId.EXPORT), DONE),
    "register in Home": Call(
        "views.open",
        press_in_home(ActionId.REGISTER),
        sentences.seat(),
        sentences.seat(),  # in a direct message
        is_done=lambda all: all.seated("yoga") == [BJORN],
    ),
    "unregister in Home": Call(
        "views.update",
        confirm_unregister,
        sentences.unregistered("Chess", promoted=CHLOE),
        sentences.unregistered("Chess", promoted=CHLOE),
        is_done=lambda all: all.seated("chess") == [CHLOE],
    ),
    "channel of an event": Call("conversations.info", create, CREATED, CREATED, is_created),
    "Home after creation": Call("views.publish", create, CREATED, CREATED, is_created),
    "card": Call("chat.postMessage", create, CREATED, CREATED, is_created),
    "conversation for a file": Call("conversations.open", add_to_calendar, NOT_SENT),
    "place for a file": Call("files.getUploadURLExternal", add_to_calendar, NOT_SENT),
    "file": Call("files.completeUploadExternal", add_to_calendar, NOT_SENT),
    # Slack can't say who is an admin (R8.9).
    "admin": Call(
        "users.info",
        lambda harness: harness.slack.command(AMARA, RANDOM, "/event", "yoga"),
        sentences.NOT_ORGANIZER,
        sentences.NOT_ORGANIZER,
    ),
}


def failing_once(harness: SlackHarness, call: Call, fault: Fault) -> str:
    """Do what a member does, with the first call of the method failing. Return all that they read."""
    harness.event(organizer_id=BJORN)
    harness.api.fail_next(call.method, fault)
    result = call.act(harness)
    assert result.failure is None, result.failure
    assert [one for one in harness.api.calls(call.method) if one.fault], "the call was made"
    modal = text_of(result.view.body["blocks"]) if result.view else ""
    return "\n".join([*map(shown, result.messages), modal])


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the bot's own log lines that raise an alarm."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.name.startswith("bot")
    ]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_failure_that_passes_is_no_unforeseen_one(
    harness: SlackHarness, call: Call, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    assert call.passing in failing_once(harness, call, fault)
    assert call.is_done(harness.assert_invariants())
    assert alarms(caplog) == []


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_refusal_of_the_app_raises_an_alarm(
    harness: SlackHarness, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    is_shown_later = call.passing == DONE
    sentence = DONE if is_shown_later else call.lasting
    assert sentence in failing_once(harness, call, OF_APP)
    assert call.is_done(harness.assert_invariants())
    if sentence in (UNEXPECTED, DONE):
        assert len(alarms(caplog)) == 1


@pytest.mark.parametrize("name", ["picker by command", "form in Manage", "close", "file"])
def test_unknown_error_leaves_a_reference(
    name: str, harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    assert UNEXPECTED in failing_once(harness, CALLS[name], UNKNOWN)
    assert len(alarms(caplog)) == 1


# A Slack that does not respond at all


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the bot of `harness` give up on each call after a second."""
    monkeypatch.setattr("bot.app.REPLY_SECONDS", 1)


@pytest.mark.parametrize(
    "name",
    ["picker by command", "Manage on a card", "close", "form in Manage", "register in Home"],
)
@pytest.mark.usefixtures("soon")
def test_silent_slack_is_no_unforeseen_failure(
    name: str, harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    call = CALLS[name]
    assert call.passing in failing_once(harness, call, Fault.timed_out())
    assert call.is_done(harness.assert_invariants())
    assert alarms(caplog) == []


# App Home


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_first_home_does_not_stay_empty(
    harness: SlackHarness, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack sends an event again that was answered with 503: at once, after one minute, after five."""
    harness.event()
    harness.api.fail_next("views.publish", fault)
    result = harness.slack.open_home(BJORN)
    assert result.failure is None
    assert result.home is not None
    assert "*Yoga in the park*" in text_of(result.home.body["blocks"])
    assert alarms(caplog) == []


@pytest.mark.usefixtures("soon")
def test_first_home_does_not_stay_empty_if_slack_is_silent(harness: SlackHarness) -> None:
    harness.api.fail_next("views.publish", Fault.timed_out())
    assert harness.slack.open_home(BJORN).home is not None


@pytest.mark.parametrize(("code", "count"), [("not_enabled", 1), ("user_not_found", 0)])
def test_refused_home_is_not_sent_again(
    harness: SlackHarness, code: str, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    harness.api.faults.set_default(Fault.refused(code))
    assert harness.slack.open_home(BJORN).failure is None
    assert len(harness.api.calls("views.publish")) == 1
    assert len(alarms(caplog)) == count
    assert UNEXPECTED not in caplog.text


def test_page_of_home_that_slack_does_not_show(
    harness: SlackHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(9):
        harness.event(f"e{number}", title=f"Talk {number}")
    view = home(harness)
    harness.api.fail_next("views.publish", Fault.rate_limited())
    assert BUSY in reply(harness.slack.click(BJORN, view, ActionId.HOME_UPCOMING))
    assert alarms(caplog) == []


# The card and files


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault.rate_limited(), "because Slack is busy"),
        (Fault.server_error(503), CARD_UNSURE),
        (Fault.refused("not_in_channel"), "`/invite @Rollcall`"),
        (Fault.refused("restricted_action"), "To choose another one"),
        (Fault.refused("is_archived"), "To choose another one"),
        (Fault.refused("purple_moon"), "Slack’s error: `purple_moon`"),
    ],
)
def test_card_that_is_not_posted_says_what_to_do(
    harness: SlackHarness, fault: Fault, sentence: str
) -> None:
    harness.api.fail_next("chat.postMessage", fault)
    assert sentence in reply(create(harness))


NO_FILES = {
    "file_uploads_disabled": "doesn’t allow it",
    "file_uploads_except_images_disabled": "doesn’t allow it",
    "storage_limit_reached": "no space left",
    "missing_scope": "isn’t allowed to send files",
}
"""Slack's errors by which files are kept out, and the reason that the person reads."""

UPLOAD = "files.getUploadURLExternal"


@pytest.mark.parametrize(
    ("method", "code"),
    [*((UPLOAD, code) for code in NO_FILES), ("conversations.open", "missing_scope")],
)
def test_calendar_without_files_says_when_and_where(
    harness: SlackHarness, method: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event(organizer_id=BJORN)
    harness.api.fail_next(method, Fault.refused(code))
    said = reply(add_to_calendar(harness))
    assert NO_FILES[code] in said
    assert "Riverside lawn" in said
    assert alarms(caplog) == []


@pytest.mark.parametrize("code", NO_FILES)
def test_export_without_files_is_one_message_and_no_retry(
    harness: SlackHarness, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    harness.event(organizer_id=BJORN)
    harness.api.faults.set_default(lambda method: Fault.refused(code) if method == UPLOAD else None)
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.deliver_due(120)
    (message,) = harness.direct_messages(BJORN)
    assert NO_FILES[code] in message
    assert f"[{ActionId.MANAGE}]" in message
    assert len(harness.api.calls(UPLOAD)) == 1
    assert undelivered(harness) == ()
    assert alarms(caplog) == []


def test_message_about_an_export_without_files_is_tried_again(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN)
    harness.api.fail_next(UPLOAD, Fault.refused("missing_scope"), times=2)
    harness.api.fail_next("chat.postMessage", Fault.server_error(503))
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.deliver_due(60)
    assert len(harness.direct_messages(BJORN)) == 1
    assert undelivered(harness) == ()
