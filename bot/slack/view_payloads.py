"""Models of a view in a payload: a modal or App Home, and what was typed and chosen in it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.slack.error_messages import FieldProblem
from bot.slack.payload_models import ConversationId, NonEmpty, PayloadPart, Text
from domain.errors import Invalid


class Option(PayloadPart):
    """An option of a select or of checkboxes."""

    value: Text


class InputState(PayloadPart):
    """The value of one input of a form."""

    value: Text | None = None
    selected_option: Option | None = None
    selected_options: list[Option] | None = None
    selected_users: list[Text] | None = None
    selected_conversation: ConversationId | None = None
    selected_date: Text | None = None
    selected_time: Text | None = None


class ViewState(PayloadPart):
    """The values of a form's inputs, by block id and action id."""

    values: dict[Text, dict[Text, InputState | None] | None] | None = None


class ViewBlock(PayloadPart):
    """A block of a view."""

    block_id: Text | None = None


class ViewTitle(PayloadPart):
    """The title of a modal."""

    text: Text | None = None


class ViewPayload(PayloadPart):
    """A modal or an App Home, as its person saw it."""

    id: NonEmpty
    type: Literal["modal", "home"]
    callback_id: Text
    private_metadata: Text = ""
    root_view_id: Text | None = None
    previous_view_id: Text | None = None
    team_id: Text | None = None
    app_installed_team_id: Text | None = None
    title: ViewTitle | None = None
    blocks: list[ViewBlock] = Field(default_factory=list)
    state: ViewState | None = None

    @property
    def is_home(self) -> bool:
        """Return whether it is an App Home."""
        return self.type == "home"

    @property
    def view_below(self) -> str | None:
        """Return the id of the first modal of the stack, if this one lies over it."""
        return self.root_view_id if self.root_view_id not in ("", self.id) else None

    @property
    def is_third(self) -> bool:
        """Return whether it is the third modal of a stack; Slack allows no fourth."""
        return self.previous_view_id not in (None, self.root_view_id)

    def shows(self, block: str) -> bool:
        """Return whether a block is in the view."""
        return any(shown.block_id == block for shown in self.blocks)

    def input(self, block: str) -> InputState:
        """Return what a block's only input holds. Slack leaves out inputs that were never touched."""
        values = self.state.values if self.state else None
        inputs = (values or {}).get(block) or {}
        return next(iter(inputs.values()), None) or InputState()

    def text(self, block: str) -> str:
        """Return the text typed into a block's input; empty if there is none."""
        return self.input(block).value or ""

    def selected(self, block: str) -> str | None:
        """Return the value of the option selected in a block's input."""
        option = self.input(block).selected_option
        return option.value if option else None

    def checked(self, block: str) -> list[str]:
        """Return the values of the options checked in a block's input."""
        return [option.value for option in self.input(block).selected_options or ()]

    def whole_number(self, block: str, problem: FieldProblem = FieldProblem.NO_WHOLE_NUMBER) -> int:
        """Return the whole number typed into a block's input. Raises `Invalid` with the problem."""
        text = self.text(block).strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
            raise Invalid(block, problem)
        return int(text)
