"""Slack's limits on blocks and views: a value at its limit is accepted, one beyond is refused."""

from collections.abc import Callable

import pytest

from playground.workspace.block_kit_limits import block_errors, suggestion_errors, view_errors
from playground.workspace.model import Json
from tests.support.slack.stand_in import button, field, modal, section


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(text: str = "One", value: str = "1") -> Json:
    return {"text": plain(text), "value": value}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(n: int) -> Json:
    return {"title": plain("t"), "text": plain("x" * n), "confirm": plain("y"), "deny": plain("n")}


def alert(n: int, level: str = "warning") -> Json:
    return {"type": "alert", "text": plain("x" * n), "level": level}


SIZED: dict[str, tuple[int, Callable[[int], Json]]] = {
    "section text": (3000, lambda n: section("x" * n)),
    "field": (2000, lambda n: {"type": "section", "fields": [plain("x" * n)]}),
    "fields": (10, lambda n: {"type": "section", "fields": [plain("x")] * n}),
    "header": (150, lambda n: {"type": "header", "text": plain("x" * n)}),
    "context elements": (10, lambda n: {"type": "context", "elements": [plain("x")] * n}),
    "block id": (255, lambda n: section("x", block_id="x" * n)),
    "action id": (255, lambda n: actions(button("x" * n))),
    "button label": (75, lambda n: actions(button("a", label="x" * n))),
    "button value": (2000, lambda n: actions(button("a", "x" * n))),
    "elements": (25, lambda n: actions(*[button(f"a{i}") for i in range(n)])),
    "confirm text": (300, lambda n: actions(button("a", confirm=confirm(n)))),
    "select options": (
        100,
        lambda n: actions({"type": "static_select", "options": [option()] * n}),
    ),
    "option text": (
        75,
        lambda n: actions({"type": "static_select", "options": [option("x" * n)]}),
    ),
    "option value": (
        150,
        lambda n: actions({"type": "static_select", "options": [option("x", "x" * n)]}),
    ),
    "overflow options": (5, lambda n: actions({"type": "overflow", "options": [option()] * n})),
    "checkboxes": (10, lambda n: actions({"type": "checkboxes", "options": [option()] * n})),
    "radio buttons": (10, lambda n: actions({"type": "radio_buttons", "options": [option()] * n})),
    "placeholder": (
        150,
        lambda n: actions({"type": "users_select", "placeholder": plain("x" * n)}),
    ),
}


@pytest.mark.parametrize("name", SIZED)
def test_block_is_accepted_at_the_limit_and_refused_beyond(name: str) -> None:
    limit, block = SIZED[name]
    assert block_errors([block(limit)]) == []
    assert len(block_errors([block(limit + 1)])) == 1


SIZED_VIEWS: dict[str, tuple[int, Callable[[int], Json]]] = {
    "title": (24, lambda n: modal(title=plain("x" * n))),
    "submit": (24, lambda n: modal(submit=plain("x" * n))),
    "close": (24, lambda n: modal(close=plain("x" * n))),
    "private metadata": (3000, lambda n: modal(private_metadata="x" * n)),
    "callback id": (255, lambda n: modal(callback_id="x" * n)),
    "blocks": (100, lambda n: modal(*[{"type": "divider"}] * n)),
    "label": (2000, lambda n: modal(field("a", {"type": "datepicker"}, label=plain("x" * n)))),
    "hint": (2000, lambda n: modal(field("a", {"type": "datepicker"}, hint=plain("x" * n)))),
    "alert": (200, lambda n: modal(alert(n))),
    "max length": (
        3000,
        lambda n: modal(field("a", {"type": "plain_text_input", "max_length": n})),
    ),
}


@pytest.mark.parametrize("name", SIZED_VIEWS)
def test_view_is_accepted_at_the_limit_and_refused_beyond(name: str) -> None:
    limit, view = SIZED_VIEWS[name]
    assert view_errors(view(limit)) == []
    assert len(view_errors(view(limit + 1))) == 1


REFUSED: dict[str, tuple[Json, str]] = {
    "unknown block": ({"type": "table"}, "unsupported type: table"),
    "unknown element": (actions({"type": "slider"}), "unsupported type: slider"),
    "unknown field": (section("x", color="red"), "invalid additional property: color"),
    "input in a message": (field("a", {"type": "datepicker"}), "unsupported type: input"),
    "alert in a message": (alert(1), "unsupported type: alert"),
    "mrkdwn label": (
        actions(button("a", text={"type": "mrkdwn", "text": "x"})),
        "unsupported type: mrkdwn",
    ),
    "mrkdwn with emoji": (
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        "invalid additional property: emoji",
    ),
    "empty text": (section(""), "must be more than 0 characters"),
    "section of nothing": ({"type": "section"}, "missing required field: text"),
    "no actions": (actions(), "no fewer than 1 items"),
    "text input as an action": (actions({"type": "plain_text_input"}), "plain_text_input"),
    "multi-select as an action": (actions({"type": "multi_users_select"}), "multi_users_select"),
    "select without options": (actions({"type": "static_select"}), "either options"),
    "initial option of its own": (
        actions({"type": "static_select", "options": [option()], "initial_option": option("No")}),
        "initial option must be one of",
    ),
    "wrong style": (actions(button("a", style="green")), "must be one of: primary, danger"),
    "wrong date": (actions({"type": "datepicker", "initial_date": "1.12.2026"}), "YYYY-MM-DD"),
    "same action id twice": (actions(button("a"), button("a")), "`action_id` must be unique"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_block_is_refused_with_a_reason(name: str) -> None:
    block, reason = REFUSED[name]
    (error,) = block_errors([block])
    assert error.startswith("[ERROR] ")
    assert reason in error
    assert "[json-pointer:/blocks/0" in error


def test_alert_is_refused_in_app_home() -> None:
    (error,) = view_errors({"type": "home", "blocks": [alert(1)]})
    assert "unsupported type: alert" in error


def test_alert_has_one_of_five_levels() -> None:
    assert view_errors(modal(alert(1, "success"))) == []
    assert view_errors(modal(alert(1, "loud"))) != []


def test_message_has_at_most_fifty_blocks() -> None:
    assert block_errors([{"type": "divider"}] * 50) == []
    assert block_errors([{"type": "divider"}] * 51)


def test_block_ids_are_unique() -> None:
    assert "unique" in block_errors([section("x", block_id="b"), section("y", block_id="b")])[0]


def test_modal_with_an_input_needs_a_submit_button() -> None:
    view = modal(field("a", {"type": "datepicker"}))
    del view["submit"]
    assert view_errors(view) == ["[ERROR] missing required field: submit [json-pointer:/view]"]


def test_home_may_have_inputs_but_no_title() -> None:
    home: Json = {"type": "home", "blocks": [field("a", {"type": "datepicker"})]}
    assert view_errors(home) == []
    assert "title" in view_errors({**home, "title": plain("x")})[0]


def test_number_input_requires_is_decimal_allowed() -> None:
    assert "is_decimal_allowed" in view_errors(modal(field("a", {"type": "number_input"})))[0]


def test_suggestions_are_options_or_groups_and_may_be_empty() -> None:
    assert suggestion_errors({"options": []}) == []
    group = {"label": plain("g"), "options": [option()]}
    assert suggestion_errors({"option_groups": [group]}) == []
    assert suggestion_errors({}) != []
    assert suggestion_errors({"options": [option()] * 101}) != []
