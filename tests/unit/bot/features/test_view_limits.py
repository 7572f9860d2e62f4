"""Every view and message with its longest input against Slack's limits (R8.11)."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import HeaderBlock
from slack_sdk.models.views import View
from slackblocks import _limits as limits

import bot
from bot.blocks import modals
from bot.blocks.builders import Message, as_json, context
from bot.blocks.ids import ActionId, CallbackId
from bot.features.account import views as account_views
from bot.features.adding import views as adding_views
from bot.features.announcement import views as announcement_views
from bot.features.browsing import choice_views, series_views
from bot.features.browsing import views as browsing_views
from bot.features.browsing.listeners import EVENTS_PAGE
from bot.features.calendar import views as calendar_views
from bot.features.cards import views as cards_views
from bot.features.ending import views as ending_views
from bot.features.event_form import edit_series_views
from bot.features.event_form import series_views as new_series_views
from bot.features.event_form import views as event_form_views
from bot.features.event_form.changed_fields import as_it_is_shown
from bot.features.event_form.form_content import content_of
from bot.features.event_form.repetition import MAX_TYPED_DATES, Repetition
from bot.features.going import views as going_views
from bot.features.history import views as history_views
from bot.features.home import publisher as home_publisher
from bot.features.home import views as home_views
from bot.features.manage import answer_views, attendee_views
from bot.features.manage import series_views as series_views_of_manage
from bot.features.manage import views as manage_views
from bot.features.registration import answer_views as registration_answer_views
from bot.features.registration import views as registration_views
from bot.notifications import messages as notification_messages
from bot.notifications.unreachable import MAX_NAMED
from bot.slack import error_messages
from bot.slack.api_errors import ClassifiedError
from bot.slack.context import CardStatus
from bot.slack.view_metadata import CreateMetadata, HomeMetadata
from domain.commands import (
    AddOutcome,
    AnswersOutcome,
    Attendee,
    ChangeOutcome,
    RegisterOutcome,
    UnregisterOutcome,
)
from domain.enums import (
    Audience,
    Cause,
    ChangeKind,
    ClosedReason,
    CreationWarning,
    EventStatus,
    Frequency,
    NotificationKind,
    QuestionKind,
    RegistrationStatus,
    Visibility,
)
from domain.errors import NotRegistered, RegistrationClosed
from domain.inputs import (
    MAX_ANSWER_LENGTH,
    MAX_CAPACITY,
    MAX_JOIN_LINK_LENGTH,
    MAX_OPTIONS,
    MAX_OPTIONS_LENGTH,
    MAX_QUESTION_LENGTH,
    MAX_QUESTIONS,
    MAX_REASON_LENGTH,
    AnnouncementDraft,
)
from domain.models import (
    AnswerTotals,
    CapacityPreview,
    Carried,
    Change,
    Event,
    EventForUser,
    EventRegistrations,
    EventSummary,
    JournalEntry,
    ListedEvent,
    Notification,
    Occurrence,
    Page,
    PastRegistrations,
    QuestionTotals,
    Registration,
    RegistrationHistoryEntry,
    RegistrationsToCome,
    Series,
    SeriesOverview,
    SeriesRegistration,
    UnreachableRecipient,
    UnregisterPreview,
    User,
    UserDeletion,
    UserRegistration,
    WaitlistEntry,
    WaitlistPosition,
)
from domain.questions import Answers, Question
from domain.recurrence import Recurrence
from domain.search import FoundEvents, FoundRegistrations
from playground.workspace.block_kit_limits import (
    TEXT_IN_BLOCKS,
    block_errors,
    text_length,
    too_large,
    view_errors,
)
from tests.support.builders import an_event
from tests.support.counting import Count
from tests.support.environment import START
from tests.support.series import series_draft
from tests.support.slack.block_kit_limits import beyond
from tests.support.slack.surfaces import type_errors

WORST = "&"
"""The character with the longest escape, five characters."""

REGISTERED, WAITLISTED = 10_000, 5_000
IDS = [f"{number:0>63}U" for number in range(100)]
"""User ids of maximum length."""
CURSOR = "c" * 300


OPTIONS = tuple(
    f"{number}{WORST * (MAX_OPTIONS_LENGTH // (2 * MAX_OPTIONS) - 1)}"
    for number in range(MAX_OPTIONS)
)
QUESTIONS = tuple(
    Question(
        question_id=f"{number:q>64}",
        text=WORST * MAX_QUESTION_LENGTH,
        kind=kind,
        options=() if kind is QuestionKind.TEXT else OPTIONS,
        required=number == 0,
    )
    for number, kind in enumerate((QuestionKind.ONE, QuestionKind.SEVERAL, QuestionKind.TEXT))
)
OPTIONAL = tuple(one.model_copy(update={"required": False}) for one in QUESTIONS)
ANSWERS: Answers = {
    QUESTIONS[0].question_id: OPTIONS[0],
    QUESTIONS[1].question_id: OPTIONS,
    QUESTIONS[2].question_id: WORST * MAX_ANSWER_LENGTH,
}


def event(**values: Any) -> Event:
    """Return the largest event, with the longest value of each field."""
    given: dict[str, Any] = {
        "event_id": "e" * 64,
        "title": WORST * 120,
        "location": WORST * 200,
        "description": WORST * 2_500,
        "starts_at": START + timedelta(days=2, seconds=1),
        "ends_at": START + timedelta(days=40),
        "registration_deadline": START + timedelta(days=1),
        "time_zone": "America/Argentina/ComodRivadavia",
        "organizer_id": IDS[0],
        "co_organizer_ids": tuple(IDS[1:21]),
        "capacity": MAX_CAPACITY,
        "registered_count": REGISTERED,
        "waitlist_count": WAITLISTED,
        "next_ticket": REGISTERED + WAITLISTED + 1,
        "capacity_target": MAX_CAPACITY,
        "operation_id": "o" * 32,
        "reminders": (43_200, 43_199, 43_198, 43_197, 43_196),
        "recent_requests": ("r" * 32,) * 8,
        "version": 99_999,
        "join_link": f"https://{'&' * (MAX_JOIN_LINK_LENGTH - 8)}",
        "attendees_visible_to": Visibility.ATTENDEES,
        "questions": QUESTIONS,
        "occurrence": Occurrence(
            series_id="e" * 61, number=52, day=START.date(), missed_first=True
        ),
    }
    return an_event(**given | values)


LARGEST = event()
LARGEST_SERIES = series_draft(
    title=LARGEST.title,
    time_zone="America/Argentina/ComodRivadavia",
    starts_at=LARGEST.starts_at + timedelta(days=3_650),
    ends_at=None,
    times=52,
    recurrence={
        "frequency": "weekly",
        "times": 52,
        "left_out": [LARGEST.starts_at.date() + timedelta(days=3_650 + n) for n in range(52)],
    },
    days_ahead=363,
    card_days=359,
    card_channel="C" * 64,
    missed_first=True,
)
REPEATING = replace(
    content_of(LARGEST),
    repetition=Repetition(
        "monthly_by_weekday",
        until=LARGEST.starts_at.date(),
        times=52,
        left_out=WORST * MAX_TYPED_DATES,
        days_ahead=363,
        card_days=359,
        missed_first=True,
    ),
)
CLOSED = event(status=EventStatus.CLOSED)
DAYS = tuple(START.date() + timedelta(weeks=number) for number in range(104))
SERIES = event(
    series=Series(
        recurrence=Recurrence(
            frequency=Frequency.MONTHLY_BY_WEEKDAY, until=DAYS[-1], left_out=DAYS[:52]
        ),
        missed_first=True,
        days_ahead=364,
        carried=Carried(numbers=tuple(range(52))),
    ),
    registered_count=0,
    occurrence=None,
    next_due_at=START,
)
OCCURRENCES = tuple(
    event(occurrence=Occurrence(series_id="s" * 61, number=number, day=day))
    for number, day in enumerate(DAYS[:100], 1)
)
OVERVIEW = SeriesOverview(
    SERIES, OCCURRENCES, OCCURRENCES[-52:], tuple((day, START) for day in DAYS[:26]), DAYS[26:52]
)
ENDED = replace(OVERVIEW, series=SERIES.model_copy(update={"status": EventStatus.CANCELED}))
SHORT_LINK = event(join_link="https://example.org")
CANCELED = event(status=EventStatus.CANCELED)
FULL = event(capacity=REGISTERED, capacity_target=None)
USERS = {
    user_id: User(
        user_id=user_id,
        name=WORST * 200,
        time_zone=None,
        created_at=START,
        updated_at=START,
        revision="r",
    )
    for user_id in IDS
}


def seat(user_id: str = IDS[0]) -> Registration:
    return Registration(
        event_id=LARGEST.event_id,
        user_id=user_id,
        status=RegistrationStatus.REGISTERED,
        ticket=99_999,
        registered_at=START,
        seated_at=START,
        answers=ANSWERS,
    )


def own(position: int | None = WAITLISTED, of: Event = LARGEST) -> UserRegistration:
    return UserRegistration(seat(), of, position)


OWN = tuple(own() for _ in range(200))
TO_COME = RegistrationsToCome(OWN, 1_000)
PAST = PastRegistrations(OWN[: home_views.PAGE_SIZE], 8, 1_000)
SOME = tuple(event(event_id=f"{number:e>64}") for number in range(14))
"""Several of the largest events, with different ids."""

SEEN = tuple(EventForUser(one, own(None, one)) for one in SOME)
OVER = tuple(EventForUser(one, own(of=one), is_over=True) for one in SOME)
NOT_YET = tuple(EventForUser(one, accepts=True) for one in SOME)
OWN_ALONE = tuple(one.model_copy(update={"co_organizer_ids": ()}) for one in SOME)
"""The same, with one organizer each."""

LISTED = tuple(ListedEvent.of(LARGEST) for _ in range(200))
SEATS = tuple(seat(user_id) for user_id in IDS[: attendee_views.ATTENDEES_PAGE])
WAITLIST = tuple(
    WaitlistPosition(REGISTERED, WaitlistEntry(99_999, user_id, START), ANSWERS)
    for user_id in IDS[: attendee_views.ATTENDEES_PAGE]
)
HALF = attendee_views.ATTENDEES_PAGE // 2
ABOUT = EventSummary.of(LARGEST)
DRAFT = AnnouncementDraft(text=WORST * 2_500, audience=Audience.EVERYONE)
ADDED = AddOutcome(
    LARGEST,
    tuple(Attendee(seat(user_id)) for user_id in IDS[:49]),
    tuple(Attendee(seat(user_id), WAITLISTED) for user_id in IDS[49:98]),
)
TOTALS = AnswerTotals(
    LARGEST,
    tuple(
        QuestionTotals(one, {f"{number:0>5}{WORST * 70}": REGISTERED for number in range(50)}, 1)
        for one in QUESTIONS
    ),
    counted=REGISTERED - 1,
    is_complete=False,
)
PREVIEW = CapacityPreview(LARGEST, MAX_CAPACITY, tuple(IDS), WAITLISTED)
TOO_MANY = CapacityPreview(LARGEST, 1, affected=tuple(IDS[:5]), affected_count=REGISTERED - 1)

FIELDS = {
    "title": (WORST * 120, WORST * 120),
    "description": (WORST * 2_500, WORST * 2_500),
    "location": (WORST * 200, WORST * 200),
    "starts_at": (str(LARGEST.starts_at), str(LARGEST.starts_at)),
    "ends_at": (str(LARGEST.starts_at), str(LARGEST.starts_at)),
    "registration_deadline": (str(LARGEST.starts_at), str(LARGEST.starts_at)),
    "time_zone": (LARGEST.time_zone, LARGEST.time_zone),
    "capacity": ("100000", "100000"),
    "has_waitlist": ("True", "False"),
    "listed": ("True", "False"),
    "reminders": (str(LARGEST.reminders), str(LARGEST.reminders)),
    "co_organizer_ids": (str(tuple(IDS[:20])), str(tuple(IDS[20:40]))),
    "organizer_id": (IDS[0], IDS[1]),
    "join_link": (LARGEST.join_link, LARGEST.join_link),
    "attendees_visible_to": ("everyone", "organizers"),
    "questions": ("\n".join([WORST * 900] * 3), "\n".join([WORST * 901] * 3)),
}


def entry(*changes: Change, **values: Any) -> JournalEntry:
    given: dict[str, Any] = {
        "event_id": LARGEST.event_id,
        "version": 9,
        "plan_id": "p",
        "at": START,
        "about": ABOUT,
    }
    return JournalEntry(**given | values, changes=changes)


def left(user_id: str, **values: Any) -> Change:
    given: dict[str, Any] = {
        "kind": ChangeKind.UNREGISTERED,
        "user_id": user_id,
        "actor_id": IDS[1],
        "ticket": 99_999,
        "status": RegistrationStatus.REGISTERED,
    }
    return Change(**given | values)


ENTRIES = (
    entry(
        Change(
            kind=ChangeKind.EDITED,
            actor_id=IDS[0],
            fields=FIELDS,
            note=WORST * MAX_REASON_LENGTH,
        )
    ),
    entry(
        left(IDS[0], cause=Cause.REMOVED, reason=WORST * MAX_REASON_LENGTH),
        *(
            Change(kind=ChangeKind.PROMOTED, user_id=user_id, cause=Cause.SEAT_FREED)
            for user_id in IDS[:49]
        ),
    ),
    entry(*(left(user_id, cause=Cause.OWN, actor_id=user_id) for user_id in IDS[:49])),
    entry(
        Change(kind=ChangeKind.ANNOUNCED, actor_id=IDS[0]),
        notifications=(Notification(kind=NotificationKind.ANNOUNCEMENT, text=WORST * 2_500),),
        unreachable=tuple(
            UnreachableRecipient(
                user_id=user_id, version=9, kind=NotificationKind.ANNOUNCEMENT, reason="x"
            )
            for user_id in IDS
        ),
    ),
    *(entry(Change(kind=kind, actor_id=IDS[0], user_id=IDS[1], fields={})) for kind in ChangeKind),
)
MOVE = RegistrationHistoryEntry(
    START,
    tuple(left(IDS[0], cause=Cause.REMOVED, reason=WORST * MAX_REASON_LENGTH) for _ in range(2)),
    49,
)
MOST_READ = home_publisher.ENOUGH - 1 + home_views.PAGE_SIZE
LISTS = home_views.Lists(
    "an attendee",
    RegistrationsToCome((*(own(None) for _ in OWN), *(own(None, one) for one in SOME)), 1_000),
    None,
    Page(SEEN[:MOST_READ], CURSOR),
    Page(NOT_YET[:MOST_READ], CURSOR),
)
SHOWN = HomeMetadata(registrations=8, organized=CURSOR, upcoming=CURSOR)


def listing(seats: int, entries: int) -> EventRegistrations:
    return EventRegistrations(LARGEST, SEATS[:seats], WAITLIST[:entries], CURSOR)


def manage(
    seats: int,
    entries: int,
    of: Event = LARGEST,
    *,
    is_over: bool = False,
    series: Event | None = None,
) -> View:
    shown = EventRegistrations(of, SEATS[:seats], WAITLIST[:entries], CURSOR)
    return manage_views.manage_event(
        shown,
        USERS,
        request_id="r" * 32,
        cursor=CURSOR,
        note=manage_views.reopened_note(ClosedReason.DEADLINE),
        is_over=is_over,
        series=series,
    )


def notified(kind: NotificationKind, of: Event = LARGEST) -> tuple[Notification, JournalEntry]:
    one = Notification(
        kind=kind,
        user_id=IDS[0],
        reason=WORST * MAX_REASON_LENGTH,
        before=ABOUT,
        text="\n".join(one.text for one in QUESTIONS)
        if kind in (NotificationKind.QUESTIONS_ADDED, NotificationKind.ENROLLED)
        else WORST * 2_500,
        about_user_id=IDS[1],
        actor_id=IDS[3],
        note=WORST * MAX_REASON_LENGTH,
    )
    promoted = Change(kind=ChangeKind.PROMOTED, user_id=IDS[2])
    made = entry(left(IDS[1]), promoted)
    return one, made.model_copy(update={"about": EventSummary.of(of)})


def notification(kind: NotificationKind, of: Event = LARGEST) -> Message:
    return notification_messages.notification_message(*notified(kind, of))


def unreachable() -> Message:
    recipients = [
        UnreachableRecipient(user_id=user_id, version=9, kind=kind, reason="x")
        for user_id, kind in zip(IDS[:MAX_NAMED], list(NotificationKind) * 10, strict=False)
    ]
    return notification_messages.unreachable_message(entry(), recipients, REGISTERED)


REFUSED_CARD = CardStatus("C" * 20, refusal=ClassifiedError.of_code("not_in_channel"))

REFUSED_CARD_RECORD = UnreachableRecipient(
    user_id="C" * 20, version=1, kind=NotificationKind.CARD, reason="not_in_channel"
)

CASES: Mapping[str, Callable[[], Message | View]] = {
    "cards.views.event_card": lambda: cards_views.event_card(LARGEST),
    "cards.views.deleted_card": lambda: cards_views.deleted_card(LARGEST.title),
    "browsing.views.event_list": lambda: browsing_views.event_list(
        Page(NOT_YET[:EVENTS_PAGE], CURSOR), is_first=False
    ),
    "browsing.views.event_list, own": lambda: browsing_views.event_list(
        Page(tuple(EventForUser(one, own(of=one)) for one in SOME[:EVENTS_PAGE]), CURSOR)
    ),
    "event_form.views.create_form": lambda: event_form_views.create_form(
        "e" * 64, content_of(LARGEST)
    ),
    "event_form.views.create_form, complete": lambda: event_form_views.create_form(
        "e" * 64,
        content_of(LARGEST),
        is_complete=True,
        is_copy=True,
        warnings=tuple(CreationWarning),
        warned="f" * 16,
    ),
    "event_form.views.form_to_confirm": lambda: event_form_views.form_to_confirm(
        CreateMetadata(
            event_id="e" * 64, time_zone=LARGEST.time_zone, is_copy=True, warned="f" * 16
        ),
        content_of(LARGEST),
        tuple(CreationWarning),
        is_complete=True,
    ),
    "event_form.views.create_form, a series": lambda: event_form_views.create_form(
        "e" * 64, REPEATING, is_complete=True, is_copy=True
    ),
    "event_form.views.form_to_confirm, a series": lambda: event_form_views.form_to_confirm(
        CreateMetadata(event_id="e" * 64, time_zone=LARGEST.time_zone, warned="f" * 16),
        REPEATING,
        tuple(CreationWarning),
        new_series_views.preview(LARGEST_SERIES),
        is_complete=True,
    ),
    "event_form.views.event_created, a series": lambda: event_form_views.event_created(
        LARGEST.model_copy(update={"series": LARGEST_SERIES.series}), REFUSED_CARD
    ),
    "event_form.views.edit_form": lambda: event_form_views.edit_form(
        as_it_is_shown(LARGEST), content_of(LARGEST), note=WORST * MAX_REASON_LENGTH
    ),
    "event_form.views.event_created": lambda: event_form_views.event_created(LARGEST, REFUSED_CARD),
    "event_form.views.event_edited": lambda: event_form_views.event_edited(
        ChangeOutcome(LARGEST, is_moved=True, new_questions=MAX_QUESTIONS)
    ),
    "browsing.series_views.registered_for_all": lambda: series_views.registered_for_all(
        SeriesRegistration(SERIES, SEEN[:1] * 52, is_finished=False)
    ),
    "browsing.series_views.stopped": lambda: series_views.stopped(
        SeriesRegistration(SERIES, SEEN[:1] * 52, is_finished=True)
    ),
    "browsing.series_views.stopped_late": lambda: series_views.stopped_late(SERIES),
    "registration.answer_views.registration_form, series": lambda: (
        registration_answer_views.registration_form(SERIES, ANSWERS)
    ),
    "browsing.views.registration_list, series": lambda: browsing_views.registration_list(
        RegistrationsToCome((replace(own(of=SERIES), next_start=START),) * 20, 1_000)
    ),
    "going.views.going_list": lambda: going_views.going_list(
        EventRegistrations(CANCELED, SEATS[: going_views.GOING_PAGE], (), CURSOR),
        USERS,
        is_over=True,
        is_first=False,
    ),
    "home.views.home": lambda: home_views.home(LISTS, SHOWN),
    "home.views.home, all organized are over": lambda: home_views.home(
        replace(LISTS, organized=Page(OVER[:MOST_READ], CURSOR)), SHOWN
    ),
    "home.views.home, past": lambda: home_views.home(replace(LISTS, past=PAST), SHOWN),
    "manage.views.manage_event": lambda: manage(attendee_views.ATTENDEES_PAGE, 0),
    "manage.views.manage_event, line": lambda: manage(0, attendee_views.ATTENDEES_PAGE),
    "manage.views.manage_event, both": lambda: manage(HALF, HALF),
    "manage.views.manage_event, closed": lambda: manage(HALF, HALF, CLOSED),
    "manage.views.manage_event, canceled": lambda: manage(HALF, HALF, CANCELED),
    "manage.views.manage_event, over": lambda: manage(HALF, HALF, is_over=True),
    "manage.series_views.manage_series": lambda: series_views_of_manage.manage_series(
        OVERVIEW,
        EventRegistrations(SERIES, (), WAITLIST, CURSOR),
        USERS,
        request_id="r" * 32,
        cursor=CURSOR,
        note=WORST * 100,
    ),
    "manage.series_views.manage_series, ended": lambda: series_views_of_manage.manage_series(
        ENDED, EventRegistrations(ENDED.series, (), WAITLIST, CURSOR), USERS, request_id="r" * 32
    ),
    "manage.series_views.capacity_form": lambda: series_views_of_manage.capacity_form(
        OVERVIEW, (1, LARGEST)
    ),
    "manage.series_views.capacity_preview": lambda: series_views_of_manage.capacity_preview(
        OVERVIEW, MAX_CAPACITY + 1
    ),
    "manage.series_views.capacity_set": lambda: series_views_of_manage.capacity_set(
        ChangeOutcome(SERIES), OVERVIEW
    ),
    "manage.series_views.skip_form": lambda: series_views_of_manage.skip_form(OVERVIEW),
    "manage.series_views.dates_skipped": lambda: series_views_of_manage.dates_skipped(
        ChangeOutcome(SERIES)
    ),
    "event_form.edit_series_views.what_to_edit": lambda: edit_series_views.what_to_edit(LARGEST),
    "event_form.edit_series_views.series_edited": lambda: edit_series_views.series_edited(
        ChangeOutcome(SERIES, is_moved=True), OVERVIEW, frozenset({"title"}), 1, has_note=True
    ),
    "event_form.views.edit_form, series": lambda: event_form_views.edit_form(
        as_it_is_shown(SERIES), content_of(SERIES), about=edit_series_views.about_edit(SERIES)
    ),
    "ending.views.end_series_form": lambda: ending_views.end_series_form(OVERVIEW),
    "ending.views.end_series_form, ended": lambda: ending_views.end_series_form(ENDED),
    "ending.views.series_ended": lambda: ending_views.series_ended(
        ChangeOutcome(SERIES), OVERVIEW, cancels=True
    ),
    "ending.views.delete_form, series": lambda: ending_views.delete_form(SERIES, is_over=False),
    "manage.views.manage_event, of a series": lambda: manage(HALF, HALF, series=SERIES),
    "manage.views.card_form": lambda: manage_views.card_form(LARGEST, "r" * 32, after="1" * 17),
    "manage.views.card_requested": lambda: manage_views.card_requested(LARGEST, REFUSED_CARD),
    "manage.views.taken_over": lambda: manage_views.taken_over(LARGEST),
    "manage.views.capacity_form": lambda: manage_views.capacity_form(LARGEST),
    "manage.views.capacity_set": lambda: manage_views.capacity_set(
        ChangeOutcome(LARGEST, promoted=tuple(IDS[:49]))
    ),
    "manage.views.capacity_preview": lambda: manage_views.capacity_preview(PREVIEW),
    "manage.views.capacity_preview, too many": lambda: manage_views.capacity_preview(TOO_MANY),
    "manage.attendee_views.attendee_form": lambda: attendee_views.attendee_form(
        own(), USERS, has_started=False, is_over=False
    ),
    "manage.attendee_views.attendee_form, seat": lambda: attendee_views.attendee_form(
        own(None), USERS, has_started=False, is_over=False
    ),
    "manage.answer_views.answer_totals": lambda: answer_views.answer_totals(TOTALS),
    "manage.attendee_views.not_registered": lambda: attendee_views.not_registered(
        LARGEST, IDS[0], USERS
    ),
    "manage.attendee_views.removal_message": lambda: attendee_views.removal_message(
        UnregisterOutcome(LARGEST, seat(), tuple(IDS[:1])), USERS
    ),
    "manage.attendee_views.attendee_removed": lambda: attendee_views.attendee_removed(
        UnregisterOutcome(LARGEST, seat(), tuple(IDS[:1])), USERS
    ),
    "adding.views.adding_form": lambda: adding_views.adding_form(LARGEST, request_id="r" * 32),
    "adding.views.adding_form, preview": lambda: adding_views.adding_form(
        LARGEST,
        request_id="r" * 32,
        chosen=IDS[:49],
        preview=adding_views.Preview(ADDED, IDS[:49]),
        previewed="f" * 16,
    ),
    "adding.views.adding_form, no one": lambda: adding_views.adding_form(
        LARGEST,
        request_id="r" * 32,
        chosen=IDS[:49],
        preview=adding_views.Preview(None, IDS[:49]),
        previewed="f" * 16,
    ),
    "adding.views.addition_message": lambda: adding_views.addition_message(ADDED),
    "adding.views.attendees_added": lambda: adding_views.attendees_added(ADDED),
    "announcement.views.announcement_form": lambda: announcement_views.announcement_form(
        LARGEST, request_id="r" * 32
    ),
    "announcement.views.announcement_form, preview": lambda: announcement_views.announcement_form(
        LARGEST, request_id="r" * 32, draft=DRAFT, previewed="f" * 16, by=IDS[0]
    ),
    "announcement.views.announcement_form, nobody": lambda: announcement_views.announcement_form(
        event(registered_count=0, waitlist_count=0), request_id="r" * 32, draft=DRAFT
    ),
    "announcement.views.announcement_sent": lambda: announcement_views.announcement_sent(
        ChangeOutcome(LARGEST), Audience.EVERYONE
    ),
    "ending.views.cancel_form": lambda: ending_views.cancel_form(LARGEST),
    "ending.views.event_canceled": lambda: ending_views.event_canceled(ChangeOutcome(LARGEST)),
    "ending.views.delete_form": lambda: ending_views.delete_form(LARGEST, is_over=False),
    "ending.views.event_deleted": lambda: ending_views.event_deleted(LARGEST, False),
    **{
        f"history.views.event_history, {number}": (
            lambda first=number: history_views.event_history(  # type: ignore[misc]  # mypy infers no lambda with a default
                LARGEST,
                Page((ENTRIES * 2)[first : first + history_views.HISTORY_PAGE], CURSOR),
                is_first=False,
            )
        )
        for number in range(0, len(ENTRIES), history_views.HISTORY_PAGE)
    },
    "history.views.event_history, series": lambda: history_views.event_history(
        SERIES, Page(ENTRIES[: history_views.HISTORY_PAGE], CURSOR), made={}
    ),
    "history.views.registration_history": lambda: history_views.registration_history(
        LARGEST, Page((MOVE,) * 39, CURSOR), is_first=False
    ),
    **{
        f"notifications.messages.notification_message, {kind}{name}": (
            lambda kind=kind, of=of: notification(kind, of)  # type: ignore[misc]  # mypy infers no lambda with a default
        )
        for kind in NotificationKind
        for name, of in (("", LARGEST), (", series", SERIES))
        if kind not in {NotificationKind.EXPORT, NotificationKind.CARD}
    },
    "notifications.messages.moved_message": lambda: notification_messages.moved_message(
        *notified(NotificationKind.MOVED), f"https://{'s' * 40}.slack.com/files/{'x' * 200}"
    ),
    "notifications.messages.moved_message, no file": lambda: notification_messages.moved_message(
        *notified(NotificationKind.MOVED), None
    ),
    "notifications.messages.canceled_message": lambda: notification_messages.canceled_message(
        *notified(NotificationKind.CANCELED)
    ),
    "notifications.messages.unreachable_message": unreachable,
    "notifications.messages.card_refused_message": lambda: (
        notification_messages.card_refused_message(entry(), REFUSED_CARD_RECORD)
    ),
    "notifications.messages.export_given_up_message": lambda: (
        notification_messages.export_given_up_message(entry())
    ),
    "notifications.messages.no_files_message": lambda: notification_messages.no_files_message(
        entry(), "missing_scope"
    ),
    "registration.views.answers_saved": lambda: registration_views.answers_saved(
        AnswersOutcome(LARGEST, seat(), changed=False)
    ),
    "registration.views.no_questions": lambda: registration_views.no_questions(LARGEST),
    "registration.answer_views.registration_form": lambda: (
        registration_answer_views.registration_form(LARGEST, ANSWERS, has_changed=True)
    ),
    "registration.answer_views.change_form": lambda: registration_answer_views.change_form(
        event(questions=OPTIONAL), ANSWERS, has_changed=True
    ),
    "registration.views.registered": lambda: registration_views.registered(
        RegisterOutcome(LARGEST, seat(), WAITLISTED)
    ),
    "registration.views.registered, seat": lambda: registration_views.registered(
        RegisterOutcome(LARGEST, seat())
    ),
    "registration.views.unregistered": lambda: registration_views.unregistered(
        UnregisterOutcome(LARGEST, seat(), tuple(IDS[:1]), can_return=True)
    ),
    "registration.views.unregister_question": lambda: registration_views.unregister_question(
        UnregisterPreview(own(), True, WAITLISTED)
    ),
    "registration.views.registration_kept": lambda: registration_views.registration_kept(own()),
    "manage.views.event_changed": lambda: manage_views.event_changed(
        ChangeOutcome(LARGEST, promoted=tuple(IDS[:49]))
    ),
    "manage.views.capacity_message": lambda: manage_views.capacity_message(
        ChangeOutcome(LARGEST, promoted=tuple(IDS[:49]))
    ),
    "browsing.views.registration_list": lambda: browsing_views.registration_list(TO_COME, first=12),
    "browsing.views.registration_list, seats": lambda: browsing_views.registration_list(
        RegistrationsToCome((own(None),) * 200, 1_000), first=12
    ),
    "browsing.views.registration_list, short join links": lambda: browsing_views.registration_list(
        RegistrationsToCome((own(None, SHORT_LINK),) * 200, 1_000), first=12
    ),
    "browsing.views.past_registration_list": lambda: browsing_views.past_registration_list(
        PastRegistrations(OWN[: browsing_views.MAX_LISTED], 15, 1_000), None
    ),
    "browsing.choice_views.event_choice": lambda: choice_views.event_choice(
        FoundEvents(LISTED), SEEN[: choice_views.MAX_CHOICES], ActionId.CHOOSE_TO_REGISTER
    ),
    "browsing.choice_views.choice_to_manage": lambda: choice_views.choice_to_manage(
        FoundEvents((), LISTED), SEEN[: choice_views.MAX_CHOICES], is_admin=False
    ),
    "browsing.choice_views.registration_choice": lambda: choice_views.registration_choice(
        FoundRegistrations((), OWN), WORST * 3_900
    ),
    "calendar.views.file_sent": lambda: calendar_views.file_sent(LARGEST, LARGEST.join_link),
    "calendar.views.no_seat_yet": lambda: calendar_views.no_seat_yet(own()),
    "calendar.views.not_registered": lambda: calendar_views.not_registered(LARGEST),
    "calendar.views.nothing_to_update": lambda: calendar_views.nothing_to_update(LARGEST),
    "calendar.views.file_not_sent": lambda: calendar_views.file_not_sent(
        LARGEST, LARGEST.join_link
    ),
    "calendar.views.no_files_here": lambda: calendar_views.no_files_here(
        LARGEST, "missing_scope", LARGEST.join_link
    ),
    "calendar.views.series_file_sent": lambda: calendar_views.series_file_sent(SERIES),
    "calendar.views.not_registered_for_all": lambda: calendar_views.not_registered_for_all(SERIES),
    "calendar.views.no_dates_left": lambda: calendar_views.no_dates_left(SERIES),
    "calendar.views.series_file_not_sent": lambda: calendar_views.series_file_not_sent(SERIES),
    "calendar.views.no_files_for_series": lambda: calendar_views.no_files_for_series(
        SERIES, "missing_scope"
    ),
    "account.views.forget_me_question": lambda: account_views.forget_me_question(
        UserDeletion(IDS[0], SOME)
    ),
    "account.views.forget_me_question, refused": lambda: account_views.forget_me_question(
        UserDeletion(IDS[0], OWN_ALONE), IDS[1], is_refused=True
    ),
    "account.views.forget_me_question, successor": lambda: account_views.forget_me_question(
        UserDeletion(IDS[0], OWN_ALONE), IDS[1]
    ),
    "account.views.forgotten": lambda: account_views.forgotten(
        UserDeletion(IDS[0], OWN_ALONE, IDS[1])
    ),
    "account.views.nothing_deleted": account_views.nothing_deleted,
    "account.views.help_message": account_views.help_message,
    "browsing.choice_views.nothing_to_register_for": choice_views.nothing_to_register_for,
    "browsing.views.unknown_filter": lambda: browsing_views.unknown_filter(WORST * 3_900),
    "blocks.modals.picked": lambda: modals.picked(
        registration_views.unregister_question(UnregisterPreview(own(), True, WAITLISTED)),
    ),
    "blocks.modals.note_modal": lambda: modals.note_modal(
        "Register", browsing_views.registration_list(TO_COME)
    ),
    "blocks.modals.picker": lambda: modals.picker(CallbackId.UNREGISTER),
    "slack.error_messages.unexpected": lambda: error_messages.unexpected("r" * 8),
    "slack.error_messages.message": lambda: error_messages.message(
        RegistrationClosed(LARGEST.event_id, LARGEST.title, ClosedReason.DEADLINE, START)
    ),
    "slack.error_messages.message_for": lambda: error_messages.message_for(
        IDS[0], NotRegistered(LARGEST.event_id, LARGEST.title, IDS[1])
    ),
    "slack.error_messages.too_late": error_messages.too_late,
}
"""Cases by function name, and a hint about the arguments where there are several."""


def functions() -> set[str]:
    """Return the names of all public functions of the bot that return a message or a view."""
    found = set()
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if module.name.startswith(("bot.entrypoints.bootstrap", "bot.entrypoints", "bot.api")):
            continue
        parts = vars(importlib.import_module(module.name))
        for name, part in parts.items():
            if (
                inspect.isfunction(part)
                and part.__module__ == module.name
                and not name.startswith("_")
                and inspect.signature(part).return_annotation in ("Message", "View")
            ):
                found.add(".".join([*module.name.split(".")[-2:], name]))
    # They only pass on what others return.
    return found - {"blocks.builders.note", "bot.outcome_messages.outcome_message"}


def test_every_view_and_message_is_covered() -> None:
    """A new view must be added to `CASES`."""
    assert functions() <= {name.partition(",")[0] for name in CASES}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_longest_input_fits(make: Callable[[], Message | View]) -> None:
    """Check with slackblocks and with the stand-in Slack, whose limits have different sources."""
    made = make()
    rendered = made.to_dict()
    assert beyond(rendered) == []
    if isinstance(made, View):
        assert view_errors(rendered) == []
        assert not too_large(rendered)
    else:
        assert block_errors(rendered["blocks"]) == []
        assert text_length(rendered["blocks"]) <= TEXT_IN_BLOCKS
        assert 0 < len(rendered["text"]) <= 4_000, "chat.update takes so many"


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_as_json_equals_to_dict(make: Callable[[], Message | View]) -> None:
    blocks = make().blocks or ()
    assert [as_json(block) for block in blocks] == [block.to_dict() for block in blocks]


@pytest.mark.soak
def test_slack_types_accept_longest_input(count: Count) -> None:
    surfaces = [make().to_dict() for make in CASES.values()]
    assert type_errors(surfaces) == []
    count("surfaces checked by Slack's types", len(surfaces))


def test_as_json_checks_limits() -> None:
    with pytest.raises(SlackObjectFormationError, match="150"):
        as_json(HeaderBlock(text="x" * 151))


@pytest.mark.parametrize(
    ("surface", "found"),
    [
        (Message("x", [context("x" * 3_001)]).to_dict, "3001 characters of 3000"),
        (Message("x", [context("x")] * 51).to_dict, "51 items of 50"),
        (
            lambda: manage(100, 0).to_dict() | {"title": {"type": "plain_text", "text": "x" * 25}},
            "25",
        ),
    ],
    ids=["text", "blocks", "title"],
)
def test_too_long_text_is_found(surface: Callable[[], dict[str, Any]], found: str) -> None:
    """Negative control."""
    rendered = surface()
    assert any(found in one for one in beyond(rendered)), beyond(rendered)
    assert limits.VIEW_TITLE_MAX_LENGTH == 24
