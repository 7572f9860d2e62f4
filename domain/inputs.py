"""Validation of everything that comes from outside, field by field. Bad input raises `Invalid`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from domain.enums import Audience, Frequency, QuestionKind, Visibility
from domain.errors import Invalid
from domain.models import DAYS_AHEAD, Series
from domain.questions import Answer
from domain.recurrence import MAX_OCCURRENCES, Recurrence, days

MAX_CAPACITY = 100_000
"""The most seats that an event can have."""


def utf16_length(text: str) -> int:
    """Return the UTF-16 units of a text; most emoji have two.

    All limits on text are counted in them. Slack does not document how it counts; its clients count this way.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _at_most(units: int) -> AfterValidator:
    """Refuse a text with more UTF-16 units."""

    def check(text: str) -> str:
        if utf16_length(text) > units:
            raise PydanticCustomError(
                "string_too_long",
                "must have at most {max_length} characters",
                {"max_length": units},
            )
        return text

    return AfterValidator(check)


_BLANK = (
    r"\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""Characters that show nothing, for a character class: spaces, controls, Unicode's default ignorables (zero-width
characters, bidi marks, variation selectors, Hangul fillers), interlinear marks, and the empty Braille pattern.

It leaves out those beyond U+FFFF, which not every reader of a JSON schema understands."""

_VISIBLE = re.compile(
    rf"[^{_BLANK}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_LINE_BREAK = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]")
_SEPARATOR = re.compile(r"\r\n|[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_visible(text: str) -> bool:
    """Return whether at least one character of a text shows something (R1.2)."""
    return _VISIBLE.search(text) is not None


def _one_line(text: Any) -> Any:
    """Return a text with a space for each line break, tab and control character, "" if it shows nothing."""
    if not isinstance(text, str):
        return text
    return _SEPARATOR.sub(" ", text) if is_visible(text) else ""


def _lines(text: Any) -> Any:
    """Return a text without control characters, each line break as a newline, "" if it shows nothing."""
    if not isinstance(text, str):
        return text
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", text)) if is_visible(text) else ""


def _known_time_zone(name: str) -> str:
    if name not in time_zones():
        raise PydanticCustomError(
            "time_zone", "must be the name of a time zone, such as Europe/Berlin"
        )
    return name


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones, from the machine's time zone data or that of the package tzdata.

    Reading them takes tens of milliseconds, so they are read once.
    """
    return frozenset(available_timezones() - {"Factory", "localtime"})


LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Times before this can be converted to every time zone, with room for arithmetic."""


def _in_utc(moment: datetime) -> datetime:
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        in_utc = LATEST
    if in_utc >= LATEST:
        raise PydanticCustomError("overflow", "must be before the year 9999")
    return in_utc


_IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"

Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER)]
_WITH_TEXT = Field(json_schema_extra={"pattern": f"[^{_BLANK}]"})

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    _at_most(200),
    BeforeValidator(_one_line),
    _WITH_TEXT,
]
MAX_TITLE_LENGTH = 120

Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE_LENGTH),
    _at_most(MAX_TITLE_LENGTH),
    BeforeValidator(_one_line),
    _WITH_TEXT,
]
Location = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    _at_most(200),
    BeforeValidator(_one_line),
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2_500),
    _at_most(2_500),
    BeforeValidator(_lines),
]
TimeZone = Annotated[
    str,
    AfterValidator(_known_time_zone),
    Field(json_schema_extra={"format": "time-zone", "examples": ["Europe/Berlin"]}),
]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Capacity = Annotated[int, Field(strict=True, ge=1, le=MAX_CAPACITY)]
CoOrganizers = Annotated[tuple[Identifier, ...], Field(max_length=20)]

MAX_ADDED = 49
"""The most users that are added at once: a seat for each is all that DynamoDB takes in one transaction."""

UserIds = Annotated[
    tuple[Identifier, ...],
    Field(min_length=1, max_length=MAX_ADDED),
    AfterValidator(lambda user_ids: tuple(dict.fromkeys(user_ids))),
]

MAX_DAYS_AHEAD = 7 * MAX_OCCURRENCES
"""Days before its start when an occurrence is made, or gets its card: a year."""

MAX_REMINDERS = 5
LONGEST_REMINDER = 30 * 24 * 60
"""Minutes before the start: 30 days."""


def _longest_first(minutes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(minutes), reverse=True))


Reminders = Annotated[
    tuple[Annotated[int, Field(strict=True, ge=5, le=LONGEST_REMINDER)], ...],
    Field(max_length=MAX_REMINDERS),
    AfterValidator(_longest_first),
]
"""Minutes before the start when registered users are reminded (R8.15)."""

DEFAULT_REMINDERS = (24 * 60, 60)

MAX_REASON_LENGTH = 300
"""Characters. With the title, all of them escaped, a reason fits into one block of a message."""

AnnouncementText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2_500),
    _at_most(2_500),
    BeforeValidator(_lines),
    _WITH_TEXT,
]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_REASON_LENGTH),
    _at_most(MAX_REASON_LENGTH),
    BeforeValidator(_lines),
]

MAX_JOIN_LINK_LENGTH = 500
"""Characters. Escaped, each may take five, and a section of a message holds 3,000. Meeting links have up to 400."""

_NOT_IN_ADDRESS = rf"{_BLANK}<>\"`|\\^{{}}{chr(0xE0000)}-{chr(0xE0FFF)}"
_HTTPS_ADDRESS = (
    rf"[Hh][Tt][Tt][Pp][Ss]://([^{_NOT_IN_ADDRESS}/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])"
    rf"(:[1-9][0-9]{{0,4}})?([/?#][^{_NOT_IN_ADDRESS}]*)?"
)
"""It has no user name, which could pass for another host."""


def _https_address(text: str) -> str:
    if text and not re.fullmatch(_HTTPS_ADDRESS, text):
        raise PydanticCustomError(
            "web_address",
            "must be a web address that begins with https://, such as https://example.org/meeting",
        )
    return text


JoinLink = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_JOIN_LINK_LENGTH),
    _at_most(MAX_JOIN_LINK_LENGTH),
    AfterValidator(_https_address),
    Field(
        json_schema_extra={
            "pattern": f"^({_HTTPS_ADDRESS})?$",
            "examples": ["https://example.org/meeting"],
        }
    ),
]
"""An https address, or "" for none (R12.2)."""


MAX_QUESTIONS = 3
MAX_OPTIONS = 10
MAX_QUESTION_LENGTH = 150
"""Characters. It is the label of an input, and stands before its answers in lists."""
MAX_OPTION_LENGTH = 75
"""Characters: Slack's limit for the text of an option."""
MAX_OPTIONS_LENGTH = 750
"""Characters of all options of an event. A form with all of them, and all chosen, fits into a frame of Socket Mode
in every script (R8.11)."""
MAX_ANSWER_LENGTH = 200

QuestionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_LENGTH),
    _at_most(MAX_QUESTION_LENGTH),
    BeforeValidator(_one_line),
    _WITH_TEXT,
]
OptionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_OPTION_LENGTH),
    _at_most(MAX_OPTION_LENGTH),
    BeforeValidator(_one_line),
    _WITH_TEXT,
]


def _each_once(options: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(options)) < len(options):
        raise PydanticCustomError("options", "must all be different")
    return options


QuestionOptions = Annotated[
    tuple[OptionText, ...], Field(max_length=MAX_OPTIONS), AfterValidator(_each_once)
]


def _answer(value: Any) -> Any:
    """Return an answer without surrounding space and line breaks. Raise `PydanticCustomError` for another type.

    It checks what the types would, whose findings name the type and not only the question.
    """
    if isinstance(value, str):
        if re.search("[\ud800-\udfff]", value):
            raise PydanticCustomError("string_unicode", "must be text of whole characters")
        text = _one_line(value).strip()
        if utf16_length(text) > MAX_ANSWER_LENGTH:
            raise PydanticCustomError(
                "string_too_long",
                "must have at most {max_length} characters",
                {"max_length": MAX_ANSWER_LENGTH},
            )
        return text
    is_list = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    if not is_list or len(value) > MAX_OPTIONS:
        raise PydanticCustomError(
            "answer", "must be text, or a list of at most {most} options", {"most": MAX_OPTIONS}
        )
    return tuple(map(_answer, value))


_ANSWER_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "maxLength": MAX_ANSWER_LENGTH},
        {
            "type": "array",
            "items": {"type": "string", "maxLength": MAX_ANSWER_LENGTH},
            "maxItems": MAX_OPTIONS,
        },
    ]
}

GivenAnswers = Annotated[
    dict[str, Annotated[Answer, BeforeValidator(_answer), WithJsonSchema(_ANSWER_SCHEMA)]],
    Field(json_schema_extra={"examples": [{"lunch": "Vegetarian", "days": ["Monday", "Friday"]}]}),
]
"""Answers by question id, as they were given. The event's questions decide what fits (R12.3)."""


def from_local(field: str, local: datetime, time_zone: str) -> datetime:
    """Return a local time without offset in UTC; a time that occurs twice means the first (R8.7).

    Raises `Invalid` with the field's name for a time that does not exist, or that daylight saving skips.
    """
    zone = ZoneInfo(time_zone)
    try:
        moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        shown = moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise Invalid(field, "must be a day and a time that exist") from None
    if shown != local:
        raise Invalid(
            field,
            f"{local:%H:%M} does not exist on this day in {time_zone}: the clocks go forward",
        )
    return moment


def is_identifier(text: str) -> bool:
    """Return whether the text could be the id of a user or an event."""
    return re.fullmatch(_IDENTIFIER, text) is not None


class Draft(BaseModel):
    """Input from outside, validated field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Build from untrusted values; raise `Invalid` with the first bad field and the reason."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """Return pydantic's first finding as `Invalid`."""
    first = error.errors(include_url=False)[0]
    return Invalid(".".join(str(part) for part in first["loc"]), reason(first))


def reason(finding: Mapping[str, Any]) -> str:
    """Return the reason of a pydantic finding, in words for the person who typed the value."""
    words: str = _REASONS.get(finding["type"], finding["msg"])
    return words.format(**finding.get("ctx", {}))


_REASONS = {
    "missing": "must be given",
    "extra_forbidden": "is not a field here",
    "string_type": "must be text",
    "string_unicode": "must be text of whole characters",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": (
        "must consist of 1 to 64 letters, digits and . _ : - and begin with a letter or a digit"
    ),
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le:,}",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "model_attributes_type": "must be an object",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "json_invalid": "must be JSON",
    "timezone_aware": "must say its offset from UTC",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries",
}
"""By type of pydantic finding. Other types have pydantic's own words."""


class QuestionDraft(Draft):
    """A question that an event asks (R12.3). One with a new id, or without any that fits, is a new question."""

    question_id: Identifier | None = None
    text: QuestionText
    kind: QuestionKind
    options: QuestionOptions = Field(default=(), validate_default=True)
    required: bool = Field(default=False, strict=True)

    @field_validator("options")
    @classmethod
    def _fit_the_kind(cls, options: tuple[str, ...], found: ValidationInfo) -> tuple[str, ...]:
        is_text = found.data.get("kind", QuestionKind.ONE) is QuestionKind.TEXT
        if is_text and options:
            raise PydanticCustomError("options", "must be empty if the answer is text")
        if not is_text and not options:
            raise PydanticCustomError("options", "must be given, unless the answer is text")
        return options


def _fitting(questions: tuple[QuestionDraft, ...]) -> tuple[QuestionDraft, ...]:
    ids = [one.question_id for one in questions if one.question_id is not None]
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("question_ids", "must each have an id of its own")
    length = sum(utf16_length(option) for one in questions for option in one.options)
    if length > MAX_OPTIONS_LENGTH:
        raise PydanticCustomError(
            "options_length",
            "must have at most {most} characters in all of their options together",
            {"most": f"{MAX_OPTIONS_LENGTH:,}"},
        )
    return questions


Questions = Annotated[
    tuple[QuestionDraft, ...], Field(max_length=MAX_QUESTIONS), AfterValidator(_fitting)
]


class AnswersDraft(Draft):
    """Answers to an event's questions (R12.3)."""

    answers: GivenAnswers


class UserDraft(Draft):
    """A user to create (R1.1, R1.2). Without an id, one is generated."""

    user_id: Identifier | None = None
    name: Name
    time_zone: TimeZone | None = None

    @classmethod
    def unnamed(cls, user_id: str) -> Self:
        """Return the draft of a user whose name is not known yet (R1.6): the id stands for it."""
        return cls.of(user_id=user_id, name=user_id)

    def given(self) -> dict[str, Any]:
        """Return the given fields by name, without the id, and without a name that the id stands for."""
        left_out = {"user_id", "name"} if self.name == self.user_id else {"user_id"}
        return {name: getattr(self, name) for name in sorted(self.model_fields_set - left_out)}


class UserChanges(Draft):
    """Changes of a user. Fields that are not given stay unchanged."""

    name: Name = ""
    time_zone: TimeZone | None = None

    def given(self) -> dict[str, Any]:
        """Return the given fields by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class EventDraft(Draft):
    """An event to create (R2). Without an id, one is generated."""

    event_id: Identifier | None = None
    title: Title
    description: Description = ""
    location: Location = ""
    starts_at: Moment
    ends_at: Moment | None = None
    time_zone: TimeZone
    organizer_id: Identifier
    co_organizer_ids: CoOrganizers = ()
    capacity: Capacity
    has_waitlist: bool = Field(strict=True)
    registration_deadline: Moment | None = None
    listed: bool = True
    listing_channel: Identifier | None = None
    card_channel: Identifier | None = None
    """The channel that gets the event's card (R9.7)."""
    reminders: Reminders = DEFAULT_REMINDERS
    join_link: JoinLink = ""
    attendees_visible_to: Visibility = Visibility.EVERYONE
    questions: Questions = ()

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        check_times(self.starts_at, self.ends_at, self.registration_deadline)
        return self


class RecurrenceDraft(Draft):
    """How a series repeats (R13.1): until a day, or for a number of times, days that are left out included."""

    frequency: Frequency
    interval: Annotated[int, Field(strict=True, ge=1, le=MAX_OCCURRENCES)] = 1
    """Weeks from one day to the next."""
    until: date | None = None
    times: Annotated[int, Field(strict=True, ge=1, le=MAX_OCCURRENCES)] | None = None
    left_out: Annotated[tuple[date, ...], Field(max_length=MAX_OCCURRENCES)] = ()

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.until is None) == (self.times is None):
            raise Invalid("recurrence", "must have either a last day or a number of times")
        if self.interval > 1 and self.frequency is not Frequency.WEEKLY:
            raise Invalid("recurrence.interval", "must be 1, unless the series is weekly")
        return self

    def rule_from(self, first: date) -> Recurrence:
        """Return the rule of a series that begins on a day. Raise `Invalid` if it has no days, or too many."""
        rule = Recurrence(
            frequency=self.frequency,
            interval=self.interval,
            until=min(self.until or LATEST.date(), LATEST.date()),
        )
        number = self.times or MAX_OCCURRENCES + 1
        all_days = [*islice(days(rule, first), number)]
        if self.times is None and len(all_days) > MAX_OCCURRENCES:
            raise Invalid(
                "recurrence.until",
                f"must be earlier: a series has at most {MAX_OCCURRENCES} dates, and this one would have more",
            )
        left_out = tuple(day for day in all_days if day in self.left_out)
        if not all_days:
            raise Invalid("recurrence.until", "must not be before the first date")
        if len(left_out) == len(all_days):
            raise Invalid("recurrence.left_out", "must leave at least one date")
        until = all_days[-1] if self.until is None else rule.until
        return rule.model_copy(update={"until": until, "left_out": left_out})


class SeriesDraft(EventDraft):
    """A series to create (R13). Its times are those of the first occurrence."""

    recurrence: RecurrenceDraft
    days_ahead: Annotated[int, Field(strict=True, ge=1, le=MAX_DAYS_AHEAD)] = DAYS_AHEAD
    card_days: Annotated[int, Field(strict=True, ge=1, le=MAX_DAYS_AHEAD)] | None = None
    missed_first: bool = Field(default=False, strict=True)

    @property
    def rule(self) -> Recurrence:
        """The rule of the series. Raises `Invalid` if it has no days, or too many."""
        return self.recurrence.rule_from(self.starts_at.astimezone(ZoneInfo(self.time_zone)).date())

    @property
    def series(self) -> Series:
        """The series before any of its occurrences is made."""
        return Series(
            recurrence=self.rule,
            days_ahead=self.days_ahead,
            card_channel=self.card_channel,
            card_days=self.card_days,
            missed_first=self.missed_first,
        )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.missed_first and not self.has_waitlist:
            raise Invalid(
                "missed_first", "must be false without a waitlist: nobody misses a date then"
            )
        if self.card_days is not None and self.card_days > self.days_ahead:
            raise Invalid("card_days", f"must not be before {_opening(self.days_ahead)}")
        check_deadline_of_series(self.starts_at, self.registration_deadline, self.days_ahead)
        _ = self.rule
        return self


class EventChanges(Draft):
    """Changes of an event. Fields that are not given stay unchanged (`model_fields_set`)."""

    title: Title = ""
    description: Description = ""
    location: Location = ""
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    time_zone: TimeZone = ""
    organizer_id: Identifier = ""
    co_organizer_ids: CoOrganizers = ()
    capacity: Capacity = 1
    has_waitlist: bool = Field(default=False, strict=True)
    registration_deadline: Moment | None = None
    listed: bool = True
    reminders: Reminders = DEFAULT_REMINDERS
    join_link: JoinLink = ""
    attendees_visible_to: Visibility = Visibility.EVERYONE
    questions: Questions = ()
    """All of them: questions that are missing are removed."""

    @model_validator(mode="after")
    def _start_stays(self) -> Self:
        if "starts_at" in self.model_fields_set and self.starts_at is None:
            raise Invalid("starts_at", "must be given")
        return self

    def given(self) -> dict[str, Any]:
        """Return the given fields by name."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


class AnnouncementDraft(Draft):
    """An announcement and its audience (R8.8)."""

    text: AnnouncementText
    audience: Audience


class CardDraft(Draft):
    """The channel that gets an event's card (R9.7)."""

    channel_id: Identifier


class Removal(Draft):
    """Why an organizer removes a user. The user and the history see it; it may be empty."""

    reason: Reason = ""


class Addition(Draft):
    """The users whom an organizer adds to an event (R12.4), in the order in which they get seats. Each counts once."""

    user_ids: UserIds


class Cancellation(Draft):
    """Why an organizer cancels an event. All attendees see it; it may be empty."""

    reason: Reason = ""


class MoveNote(Draft):
    """An organizer's note to all attendees about a new time or location. It may be empty."""

    note: Reason = ""


def check_deadline_of_series(
    starts_at: datetime, deadline: datetime | None, days_ahead: int
) -> None:
    """Raise `Invalid` if registration for the dates of a series ends before it opens."""
    if deadline is not None and starts_at - deadline >= timedelta(days=days_ahead):
        raise Invalid("registration_deadline", f"must be after {_opening(days_ahead)}")


def _opening(days_ahead: int) -> str:
    ahead = f"{days_ahead} {'day' if days_ahead == 1 else 'days'}"
    return f"registration opens, which is {ahead} before the start"


def check_times(starts_at: datetime, ends_at: datetime | None, deadline: datetime | None) -> None:
    """Raise `Invalid` unless the end is after the start, and the deadline is not."""
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid("ends_at", "must be after the start")
    if deadline is not None and deadline > starts_at:
        raise Invalid("registration_deadline", "must not be after the start")
