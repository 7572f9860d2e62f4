"""Every view and message at its longest input and its largest event, against Slack's limits (R8.11)."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import HeaderBlock
from slack_sdk.models.views import View
from slackblocks import _limits as limits

import bot.views
from bot.editing import shown_values
from bot.ids import ActionId, CallbackId
from bot.listeners.browsing import EVENTS_PAGE
from bot.payloads import HomeMetadata
from bot.unreached import MOST_NAMED
from bot.views import (
    cards,
    ending,
    event_form,
    history,
    home,
    managing,
    messages,
    messaging,
    modals,
    notices,
    refusals,
    roster,
)
from bot.views.block_kit import as_json
from bot.views.text import Message, context
from domain.commands import Changed, Left, Placed
from domain.drafts import MAX_CAPACITY, MOST_REASON, MessageDraft
from domain.errors import NotRegistered, RegistrationClosed
from domain.finding import Found, FoundOwn
from domain.models import (
    CapacityPreview,
    Change,
    Event,
    EventRegistrations,
    EventSummary,
    JournalEntry,
    LeavePreview,
    ListedEvent,
    Notice,
    OwnMove,
    OwnRegistration,
    Page,
    Place,
    Registration,
    Unreached,
    User,
    Waiting,
)
from domain.statuses import (
    Audience,
    Cause,
    ChangeKind,
    ClosedBecause,
    EventStatus,
    NoticeKind,
    RegistrationStatus,
)
from playground.limits import TEXT_IN_BLOCKS, block_errors, text_length, too_large, view_errors
from tests.bot.slack_limits import beyond
from tests.storage.rows import an_event
from tests.surroundings import START

WORST = "&"
"""Its escape is the longest: five characters."""

REGISTERED, WAITING = 10_000, 5_000
IDS = [f"{number:0>63}U" for number in range(100)]
"""As long as an id may be."""
CURSOR = "c" * 300


def event(**values: Any) -> Event:
    """Return the largest event, with the longest of each field."""
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
        "waitlist_count": WAITING,
        "next_ticket": REGISTERED + WAITING + 1,
        "capacity_target": MAX_CAPACITY,
        "operation_id": "o" * 32,
        "reminders": (43_200, 43_199, 43_198, 43_197, 43_196),
        "recent_requests": ("r" * 32,) * 8,
        "version": 99_999,
    }
    return an_event(**given | values)


LARGEST = event()
CLOSED = event(status=EventStatus.CLOSED)
CANCELLED = event(status=EventStatus.CANCELLED)
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
    )


def own(position: int | None = WAITING, of: Event = LARGEST) -> OwnRegistration:
    return OwnRegistration(seat(), of, position)


OWN = tuple(own() for _ in range(200))
SOME = tuple(event(event_id=f"{number:e>64}") for number in range(14))
"""Several of the largest, each with an id of its own."""

LISTED = tuple(ListedEvent.of(LARGEST) for _ in range(200))
SEATS = tuple(seat(user_id) for user_id in IDS[: roster.ROSTER_PAGE])
LINE = tuple(
    Place(REGISTERED, Waiting(99_999, user_id, START)) for user_id in IDS[: roster.ROSTER_PAGE]
)
HALF = roster.ROSTER_PAGE // 2
TURNED = [CURSOR] * 50
ABOUT = EventSummary.of(LARGEST)
DRAFT = MessageDraft(text=WORST * 2_500, audience=Audience.EVERYONE)
PREVIEW = CapacityPreview(LARGEST, MAX_CAPACITY, tuple(IDS), WAITING)
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
        "kind": ChangeKind.LEFT,
        "user_id": user_id,
        "actor_id": IDS[1],
        "ticket": 99_999,
        "status": RegistrationStatus.REGISTERED,
    }
    return Change(**given | values)


ENTRIES = (
    entry(Change(kind=ChangeKind.EDITED, actor_id=IDS[0], fields=FIELDS)),
    entry(
        left(IDS[0], cause=Cause.REMOVED, reason=WORST * MOST_REASON),
        *(
            Change(kind=ChangeKind.PROMOTED, user_id=user_id, cause=Cause.SEAT_FREED)
            for user_id in IDS[:49]
        ),
    ),
    entry(*(left(user_id, cause=Cause.OWN, actor_id=user_id) for user_id in IDS[:49])),
    entry(
        Change(kind=ChangeKind.MESSAGED, actor_id=IDS[0]),
        notices=(Notice(kind=NoticeKind.MESSAGE, text=WORST * 2_500),),
        unreached=tuple(
            Unreached(user_id=user_id, version=9, kind=NoticeKind.MESSAGE, reason="x")
            for user_id in IDS
        ),
    ),
    *(entry(Change(kind=kind, actor_id=IDS[0], user_id=IDS[1], fields={})) for kind in ChangeKind),
)
MOVE = OwnMove(
    START,
    tuple(left(IDS[0], cause=Cause.REMOVED, reason=WORST * MOST_REASON) for _ in range(2)),
    49,
)
LISTS = home.Lists(OWN, Page(SOME, CURSOR), Page(SOME[: home.COMING], CURSOR))
SHOWN = HomeMetadata(own=8, organized=CURSOR, coming=CURSOR)


def listing(seats: int, line: int) -> EventRegistrations:
    return EventRegistrations(LARGEST, SEATS[:seats], LINE[:line], CURSOR)


def manage(seats: int, line: int, of: Event = LARGEST) -> View:
    shown = EventRegistrations(of, SEATS[:seats], LINE[:line], CURSOR)
    return managing.manage(
        shown, USERS, request_id="r" * 32, turned=TURNED, note=managing.closed_note(Changed(of))
    )


def notice(kind: NoticeKind) -> Message:
    one = Notice(
        kind=kind,
        user_id=IDS[0],
        reason=WORST * MOST_REASON,
        before=ABOUT,
        text=WORST * 2_500,
        about_user_id=IDS[1],
    )
    promoted = Change(kind=ChangeKind.PROMOTED, user_id=IDS[2])
    return notices.notice_message(one, entry(left(IDS[1]), promoted))


def unreached() -> Message:
    people = [
        Unreached(user_id=user_id, version=9, kind=kind, reason="x")
        for user_id, kind in zip(IDS[:MOST_NAMED], list(NoticeKind) * 10, strict=False)
    ]
    return notices.unreached_message(entry(), people, REGISTERED)


CASES: Mapping[str, Callable[[], Message | View]] = {
    "cards.event_card": lambda: cards.event_card(LARGEST),
    "cards.deleted_card": lambda: cards.deleted_card(LARGEST.title),
    "cards.event_list": lambda: cards.event_list(Page(SOME[:EVENTS_PAGE], CURSOR)),
    "event_form.event_form": lambda: event_form.event_form("e" * 64, LARGEST.time_zone),
    "event_form.edit_form": lambda: event_form.edit_form(LARGEST, shown_values(LARGEST)),
    "event_form.created": lambda: event_form.created(LARGEST, "x" * 300),
    "event_form.edited": lambda: event_form.edited(Changed(LARGEST, is_moved=True)),
    "home.home": lambda: home.home(LISTS, SHOWN),
    "managing.manage": lambda: manage(roster.ROSTER_PAGE, 0),
    "managing.manage, line": lambda: manage(0, roster.ROSTER_PAGE),
    "managing.manage, both": lambda: manage(HALF, HALF),
    "managing.manage, closed": lambda: manage(HALF, HALF, CLOSED),
    "managing.manage, cancelled": lambda: manage(HALF, HALF, CANCELLED),
    "managing.card_form": lambda: managing.card_form(LARGEST, after="1" * 17),
    "managing.card_posted": lambda: managing.card_posted(LARGEST, None),
    "managing.capacity_form": lambda: managing.capacity_form(LARGEST),
    "managing.capacity_set": lambda: managing.capacity_set(
        Changed(LARGEST, promoted=tuple(IDS[:49]))
    ),
    "managing.capacity_preview": lambda: managing.capacity_preview(PREVIEW),
    "managing.capacity_preview, too many": lambda: managing.capacity_preview(TOO_MANY),
    "roster.person_form": lambda: roster.person_form(own(), USERS, is_over=False),
    "roster.person_form, seat": lambda: roster.person_form(own(None), USERS, is_over=False),
    "roster.not_in_event": lambda: roster.not_in_event(LARGEST, IDS[0], USERS),
    "roster.taken_out": lambda: roster.taken_out(Left(LARGEST, seat(), tuple(IDS[:1])), USERS),
    "roster.removed": lambda: roster.removed(Left(LARGEST, seat(), tuple(IDS[:1])), USERS),
    "messaging.message_form": lambda: messaging.message_form(LARGEST, request_id="r" * 32),
    "messaging.message_form, preview": lambda: messaging.message_form(
        LARGEST, request_id="r" * 32, draft=DRAFT, previewed="f" * 16, by=IDS[0]
    ),
    "messaging.message_form, nobody": lambda: messaging.message_form(
        event(registered_count=0, waitlist_count=0), request_id="r" * 32, draft=DRAFT
    ),
    "messaging.message_sent": lambda: messaging.message_sent(Changed(LARGEST), Audience.EVERYONE),
    "ending.cancel_form": lambda: ending.cancel_form(LARGEST, is_over=False),
    "ending.cancelled": lambda: ending.cancelled(Changed(LARGEST)),
    "ending.delete_form": lambda: ending.delete_form(LARGEST, is_over=False),
    "ending.deleted": lambda: ending.deleted(LARGEST, False),
    **{
        f"history.history, {number}": (
            lambda first=number: history.history(  # type: ignore[misc]
                LARGEST, Page((ENTRIES * 2)[first : first + history.HISTORY_PAGE], CURSOR), TURNED
            )
        )
        for number in range(0, len(ENTRIES), history.HISTORY_PAGE)
    },
    "history.my_place": lambda: history.my_place(LARGEST, Page((MOVE,) * 39, CURSOR), TURNED),
    **{
        f"notices.notice_message, {kind}": lambda kind=kind: notice(kind)  # type: ignore[misc]
        for kind in NoticeKind
        if kind is not NoticeKind.EXPORT
    },
    "notices.unreached_message": unreached,
    "messages.placed": lambda: messages.placed(Placed(LARGEST, seat(), WAITING)),
    "messages.left": lambda: messages.left(Left(LARGEST, seat(), tuple(IDS[:1]))),
    "messages.leave_question": lambda: messages.leave_question(LeavePreview(own(), True, WAITING)),
    "messages.stayed": lambda: messages.stayed(own()),
    "messages.changed": lambda: messages.changed(Changed(LARGEST, promoted=tuple(IDS[:49]))),
    "messages.capacity_set": lambda: messages.capacity_set(
        Changed(LARGEST, promoted=tuple(IDS[:49]))
    ),
    "messages.registrations": lambda: messages.registrations(OWN),
    "messages.choice": lambda: messages.choice(Found(LISTED), ActionId.CHOOSE_TO_REGISTER),
    "messages.choice_of_own": lambda: messages.choice_of_own(FoundOwn((), OWN), WORST * 3_900),
    "messages.calendar_sent": lambda: messages.calendar_sent(LARGEST),
    "messages.calendar_waits": lambda: messages.calendar_waits(own()),
    "messages.calendar_not_sent": lambda: messages.calendar_not_sent(LARGEST),
    "messages.forget_question": messages.forget_question,
    "messages.forgotten": lambda: messages.forgotten(False),
    "messages.kept": messages.kept,
    "messages.help_message": messages.help_message,
    "messages.bad_status": lambda: messages.bad_status(WORST * 3_900),
    "modals.picked": lambda: modals.picked(
        CallbackId.UNREGISTER, messages.leave_question(LeavePreview(own(), True, WAITING))
    ),
    "modals.note_modal": lambda: modals.note_modal("Register", messages.registrations(OWN)),
    "modals.picker": lambda: modals.picker(CallbackId.UNREGISTER),
    "refusals.unforeseen": lambda: refusals.unforeseen("r" * 8),
    "refusals.message": lambda: refusals.message(
        RegistrationClosed(LARGEST.event_id, LARGEST.title, ClosedBecause.DEADLINE, START)
    ),
    "refusals.to": lambda: refusals.to(
        IDS[0], NotRegistered(LARGEST.event_id, LARGEST.title, IDS[1])
    ),
    "refusals.too_late": refusals.too_late,
}
"""By the function, and what it is given where that matters."""


def functions() -> set[str]:
    """Return every public function of `bot.views` that makes a message or a view."""
    found = set()
    for module in pkgutil.iter_modules(bot.views.__path__):
        parts = vars(importlib.import_module(f"bot.views.{module.name}"))
        for name, part in parts.items():
            if (
                inspect.isfunction(part)
                and part.__module__ == f"bot.views.{module.name}"
                and not name.startswith("_")
                and inspect.signature(part).return_annotation in ("Message", "View")
            ):
                found.add(f"{module.name}.{name}")
    return found - {"text.note"}


def test_every_view_and_message_is_here() -> None:
    """Whoever adds one is led here."""
    assert functions() <= {name.partition(",")[0] for name in CASES}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_the_longest_fits(make: Callable[[], Message | View]) -> None:
    """Both by slackblocks and by the stand-in Slack, which has its limits from elsewhere."""
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
def test_the_faster_json_is_that_of_slacks_models(make: Callable[[], Message | View]) -> None:
    blocks = make().blocks or ()
    assert [as_json(block) for block in blocks] == [block.to_dict() for block in blocks]


def test_the_faster_json_keeps_to_the_limits_of_slacks_models() -> None:
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
def test_what_is_too_long_is_found(surface: Callable[[], dict[str, Any]], found: str) -> None:
    """The control: the judge is not blind."""
    rendered = surface()
    assert any(found in one for one in beyond(rendered)), beyond(rendered)
    assert limits.VIEW_TITLE_MAX_LENGTH == 24
