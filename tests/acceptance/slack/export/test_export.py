"""The attendee list as a CSV file in a direct message (R8.8, R8.11)."""

from __future__ import annotations

import json

import pytest

from bot.blocks.ids import ActionId
from bot.features.export.spreadsheet import escape_cell
from bot.slack.files import file_name
from domain.inputs import EventChanges, UserDraft
from playground.web_api.fault_injection import Fault
from tests.support.slack.exports import rows
from tests.support.slack.harness import AMARA, BJORN, CHLOE, DIEGO, PRIYA, SlackHarness, files
from tests.support.slack.modals import GONE, NOT_ALLOWED, manage_modal, press, said, top


def yoga(harness: SlackHarness) -> None:
    harness.event(organizer_id=BJORN, co_organizer_ids=[PRIYA], capacity=1)
    harness.register(CHLOE, DIEGO)


def test_file_has_registered_then_waitlist(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    assert "on its way" in said(press(harness, ActionId.EXPORT))
    harness.deliver_due(3)
    (file,) = files(harness)
    head, *attendees = rows(file)
    assert head[:4] == ["Status", "Position", "Name", "User ID"]
    assert head[4:] == ["Registered at (Europe/Berlin)", "Seat since (Europe/Berlin)"]
    assert [row[:4] for row in attendees] == [
        ["registered", "", "Chloé Tremblay", CHLOE],
        ["waitlisted", "1", "Diego Quispe", DIEGO],
    ]
    assert attendees[0][5]
    assert attendees[1][5] == ""


def test_file_starts_with_byte_order_mark(harness: SlackHarness) -> None:
    """Excel recognizes UTF-8 by the byte order mark."""
    yoga(harness)
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name="Zoë Łukasz 春樹"))
    harness.bot.service.register("yoga", "emp-7")
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.deliver_due(3)
    (file,) = files(harness)
    assert file.content is not None
    assert file.content.startswith(b"\xef\xbb\xbf")
    assert rows(file)[3][2] == "Zoë Łukasz 春樹"


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\r=1",
        "\uff1d1",
        "|calc",
        "%0A=1",
        "=cmd|' /C",
    ],
)
def test_no_cell_starts_a_formula(name: str) -> None:
    assert escape_cell(name) == f"'{name}"


def test_no_cell_starts_a_formula_after_semicolon() -> None:
    """Spreadsheets separate cells with semicolons in languages whose decimal point is a comma."""
    assert escape_cell("Ada;=1+1") == "Ada;'=1+1"
    assert escape_cell("=1; @SUM(A1);ok") == "'=1;' @SUM(A1);ok"


@pytest.mark.parametrize("name", ["Ada", "Ada; Bo", "O'Brien", "a=b", "x-y", "", "春樹"])
def test_other_names_are_unchanged(name: str) -> None:
    assert escape_cell(name) == name


def test_formula_name_is_text_in_file(harness: SlackHarness) -> None:
    yoga(harness)
    harness.bot.service.create_user(UserDraft.of(user_id="emp-7", name='=HYPERLINK("x","y")'))
    harness.bot.service.register("yoga", "emp-7")
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.deliver_due(3)
    assert rows(files(harness)[0])[3][2] == '\'=HYPERLINK("x","y")'


def test_double_click_sends_one_file(harness: SlackHarness) -> None:
    yoga(harness)
    view = manage_modal(harness)
    for _ in range(2):
        # Both presses are of the modal as it was shown first.
        harness.slack.click(BJORN, view, ActionId.EXPORT, value=_request_of(view.private_metadata))
        harness.workspace.views.update(view.id, view.body)
    harness.deliver_due(3)
    assert len(files(harness)) == 1


def _request_of(metadata: str) -> str:
    return str(json.loads(metadata)["request_id"])


def test_second_request_sends_second_file(harness: SlackHarness) -> None:
    yoga(harness)
    for _ in range(2):
        manage_modal(harness)
        press(harness, ActionId.EXPORT)
    harness.deliver_due(3)
    assert len(files(harness)) == 2


def test_admin_gets_file(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness, AMARA)
    press(harness, ActionId.EXPORT, AMARA)
    harness.deliver_due(3)
    assert len(files(harness, AMARA)) == 1
    assert files(harness) == []


def test_non_organizer_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness, PRIYA)
    harness.bot.service.edit_event("yoga", EventChanges.of(co_organizer_ids=[]))
    before = harness.everything()
    assert NOT_ALLOWED in said(press(harness, ActionId.EXPORT, PRIYA))
    harness.deliver_due(3)
    assert harness.everything() == before
    assert files(harness, PRIYA) == []


def test_deleted_event_is_refused(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    harness.bot.service.delete_event("yoga")
    assert GONE in said(press(harness, ActionId.EXPORT))
    harness.deliver_due(3)
    assert files(harness) == []


def test_event_deleted_before_export_sends_no_file(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.bot.service.delete_event("yoga")
    harness.deliver_due(3)
    assert files(harness) == []


@pytest.mark.parametrize(
    "method", ["conversations.open", "files.getUploadURLExternal", "files.completeUploadExternal"]
)
def test_failed_upload_is_retried(harness: SlackHarness, method: str) -> None:
    """R9.1."""
    yoga(harness)
    manage_modal(harness)
    harness.api.fail_next(method, Fault.server_error())
    press(harness, ActionId.EXPORT)
    harness.deliver_due(15)
    assert len(files(harness)) == 1


def test_history_has_the_entry(harness: SlackHarness) -> None:
    yoga(harness)
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    assert f"<@{BJORN}> exported the attendee list" in said(press(harness, ActionId.HISTORY))
    assert top(harness).title == "Event history"


def test_file_names_event_and_comment_has_no_typed_text(harness: SlackHarness) -> None:
    """Slack links an address in a comment (R8.11)."""
    yoga(harness)
    manage_modal(harness)
    press(harness, ActionId.EXPORT)
    harness.deliver_due(3)
    message = harness.workspace.messages(harness.workspace.dm(BJORN).id)[-1]
    (file,) = message.files
    assert file["title"] == "Yoga in the park: attendees"
    assert file["name"] == "Yoga in the park.csv"
    assert "Yoga" not in message.text


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Lunch & talk: a – b ", "Lunch talk a b"),
        ("हिन्दी कार्यशाला", "हिन्दी कार्यशाला"),  # with vowel signs
        ("Beach\xa0day 🏖\ufe0f!", "Beach day"),
        ("🎉", "event"),
        (f"{'word ' * 11}debugger", "word " * 10 + "word"),
        ("春" * 70, "春" * 60),
    ],
)
def test_file_name_keeps_words(title: str, name: str) -> None:
    assert file_name(title, "csv") == f"{name}.csv"
