"""App Home: what one has, and what is coming up."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock, HeaderBlock
from slack_sdk.models.views import View

from bot.ids import ActionId
from bot.views import cards, messages
from bot.views.text import button, plain, section
from domain.models import Event, OwnRegistration


def home(own: Sequence[OwnRegistration], coming: Sequence[Event]) -> View:
    """Return the page that a member sees on opening the app."""
    blocks: list[Block] = [
        HeaderBlock(text=plain("Your registrations")),
        *messages.registrations(own).blocks,
        DividerBlock(),
        HeaderBlock(text=plain("Coming up")),
    ]
    for event in coming:
        blocks += cards.listed(event)
    if not coming:
        blocks.append(section("Nothing is coming up."))
    blocks.append(
        ActionsBlock(
            elements=[button("Create an event", ActionId.CREATE_EVENT, "new", style="primary")]
        )
    )
    return View(type="home", blocks=blocks)
