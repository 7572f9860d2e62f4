"""Models of what modals and App Home carry in `private_metadata`."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.slack.payload_models import Text
from bot.slack.refusals import MalformedPayload
from bot.slack.view_payloads import ViewPayload
from domain.enums import QuestionKind


class ViewMetadata(BaseModel):
    """Data that a view carries from the moment it is shown until it is used."""

    model_config = ConfigDict(strict=True, defer_build=True)

    @classmethod
    def of(cls, view: ViewPayload) -> Self:
        """Return what a view carries. Raises `MalformedPayload`."""
        try:
            return cls.model_validate_json(view.private_metadata)
        except ValidationError:
            raise MalformedPayload("view.private_metadata") from None


class EventMetadata(ViewMetadata):
    """The event that a modal is about."""

    event_id: Text


class CreateMetadata(EventMetadata):
    """`time_zone` is that of the times if the form has no input for it.

    `warned` is the fingerprint of what the form's person was warned about; empty before that.
    `is_copy` tells a form that *Duplicate* opened.
    """

    time_zone: str | None = None
    is_copy: bool = False
    warned: str = ""


class CardMetadata(EventMetadata):
    """`after` is the `ts` of the newest card when the form was opened, `request_id` the form's own (R8.13)."""

    after: Text
    request_id: Text


class AnswersMetadata(EventMetadata):
    """`asked` holds the fingerprints of the questions in the form (see `domain.questions`)."""

    asked: list[Text]


class ShownQuestion(BaseModel):
    """A question as a form showed it: its id, its kind, and the fingerprint of the rest."""

    model_config = ConfigDict(strict=True, defer_build=True)

    question_id: Text
    kind: QuestionKind
    fingerprint: str


class EditMetadata(EventMetadata):
    """`shown` holds each field's fingerprint as the form showed it (see `bot.features.event_form.changed_fields`).

    `questions` are those of the event, which have the form's first inputs for questions.

    `series_id` says that the form changes a series: from its occurrence `number` on, or without one what is not made
    yet. `event_id` is then what the Manage modal below shows.
    """

    shown: dict[str, str]
    questions: tuple[ShownQuestion, ...] = ()
    series_id: Text | None = None
    number: int | None = None


class AttendeeMetadata(EventMetadata):
    """The attendee that the form is about."""

    user_id: Text


class AnnouncementMetadata(EventMetadata):
    """`previewed` is the fingerprint of the preview above the form; empty before the first preview."""

    request_id: Text
    previewed: str


class AdditionMetadata(EventMetadata):
    """`previewed` is the fingerprint of the people in the preview; empty before the first preview."""

    request_id: Text
    previewed: str


class ManageMetadata(EventMetadata):
    """`request_id` is that of an export requested from this modal (R8.13), `cursor` that of the page shown."""

    request_id: Text
    cursor: Text | None = None


class CapacityMetadata(EventMetadata):
    """The capacity that was previewed."""

    capacity: int


class SkippedMetadata(EventMetadata):
    """The days, in ISO form, that the form showed as skipped."""

    skipped: list[Text]


class EndSeriesMetadata(EventMetadata):
    """`cancels` says what a form without that choice does to the dates that were created."""

    cancels: bool


class HomeMetadata(ViewMetadata):
    """The first entry of each list of App Home: an offset into one's own registrations, and two cursors.

    `is_past` says that the registrations shown are those for past events.
    """

    registrations: int = 0
    is_past: bool = False
    organized: Text | None = None
    upcoming: Text | None = None

    @classmethod
    def of(cls, view: ViewPayload) -> Self:
        """Return what an App Home carries; without any, its lists start at the beginning.

        Raises `MalformedPayload`.
        """
        return super().of(view) if view.private_metadata else cls()
