"""Listeners as they are registered with Bolt."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.blocks.ids import ActionId
from bot.slack.registrar import Registrar
from bot.slack.reply_sender import ReplySender


@pytest.fixture
def registrar() -> Registrar:
    return Registrar(cast("ReplySender", None), WebClient(), lambda _: None)


def test_second_listener_for_an_action_is_refused(registrar: Registrar) -> None:
    """One of the two would never be called."""
    registrar.action(ActionId.REGISTER, lambda *_: None)
    with pytest.raises(ValueError, match="register"):
        registrar.action(ActionId.REGISTER, lambda *_: None)


def test_all_actions_are_one_listener_of_bolt_s(registrar: Registrar) -> None:
    """Bolt asks one after the other: with one for each action, that would be a part of every press."""
    actions: list[re.Pattern[str]] = []

    class Recording:
        def __getattr__(self, kind: str) -> Any:
            def register(names: re.Pattern[str]) -> Any:
                if kind == "action":
                    actions.append(names)
                return lambda _: None

            return register

    for action_id in (ActionId.REGISTER, ActionId.UNREGISTER):
        registrar.action(action_id, lambda *_: None)
    registrar.register(cast("App", Recording()))
    (names,) = actions
    assert names.search(ActionId.REGISTER)
    assert names.search(ActionId.UNREGISTER)
    assert not names.search(f"{ActionId.REGISTER}_all")
    assert not names.search(f"{ActionId.REGISTER}\n")
