"""The message about the outcome of a request whose reply comes later: its trigger has expired by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.blocks.builders import Message
from bot.features.account import views as account_views
from bot.features.adding import views as adding_views
from bot.features.manage import attendee_views
from bot.features.manage import views as manage_views
from bot.features.registration import views as registration_views
from bot.slack import error_messages
from domain.commands import (
    AddOutcome,
    AnswersOutcome,
    ChangeOutcome,
    RegisterOutcome,
    UnregisterOutcome,
)
from domain.errors import RollcallError
from domain.models import UserDeletion


def outcome_message(outcome: object, requester_id: str) -> Message:
    """Return the message about an outcome or a refusal, for the user who asked."""
    render: dict[type, Callable[[Any], Message]] = {
        RegisterOutcome: registration_views.registered,
        UnregisterOutcome: registration_views.unregistered,
        AddOutcome: adding_views.addition_message,
        AnswersOutcome: registration_views.answers_saved,
        ChangeOutcome: manage_views.event_changed,
        UserDeletion: account_views.forgotten,
    }
    if isinstance(outcome, RollcallError):
        return error_messages.message_for(requester_id, outcome)
    if isinstance(outcome, UnregisterOutcome) and outcome.registration.user_id != requester_id:
        return attendee_views.removal_message(outcome, {})
    return render[type(outcome)](outcome)
