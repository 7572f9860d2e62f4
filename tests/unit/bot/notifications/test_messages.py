"""The content of direct messages (R8.5, R8.8), with typed text escaped (R8.11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.notifications.messages import notification_message, unreachable_message
from bot.notifications.unreachable import MAX_NAMED
from domain.enums import Cause, ChangeKind, Frequency, NotificationKind, RegistrationStatus
from domain.models import Change, EventSummary, JournalEntry, Notification, UnreachableRecipient
from domain.recurrence import Recurrence
from tests.support.environment import START
from tests.support.slack.harness import text_of

ABOUT = EventSummary(
    title="Yoga <!channel>",
    starts_at=START + timedelta(days=2),
    ends_at=None,
    time_zone="Europe/Berlin",
    location="Riverside & lawn",
    series_id="series",
)


def said(
    notification: Notification,
    about: EventSummary | None = ABOUT,
    *,
    changes: tuple[Change, ...] = (),
) -> str:
    entry = JournalEntry(
        event_id="yoga",
        version=3,
        plan_id="p",
        at=START,
        changes=changes,
        notifications=(notification,),
        about=about,
    )
    return text_of(notification_message(notification, entry).to_dict()["blocks"])


NO_MESSAGES = {NotificationKind.EXPORT, NotificationKind.CARD}
MESSAGES = [kind for kind in NotificationKind if kind not in NO_MESSAGES]
"""An export is a file."""

OF_EVENTS = {
    NotificationKind.ENROLLED,
    NotificationKind.NOT_ENROLLED,
    NotificationKind.PROMOTED,
    NotificationKind.REMINDER,
    NotificationKind.MOVED,
}
"""Those that a series never sends: it has no seats, and takes place on many days."""


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notification_names_its_event_escaped(kind: NotificationKind) -> None:
    """R8.11: typed text can't ping."""
    text = said(Notification(kind=kind, user_id="U1", ticket=1, text="words", about_user_id="U2"))
    assert "Yoga &lt;!channel&gt;" in text
    assert "<!channel>" not in text


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notification_has_a_text_without_blocks(kind: NotificationKind) -> None:
    notification = Notification(kind=kind)
    entry = JournalEntry(event_id="yoga", version=3, plan_id="p", at=START, about=ABOUT)
    message = notification_message(notification, entry)
    assert "Yoga" in message.text
    assert "<!channel>" not in message.text


def test_promotion_has_the_time_location_and_buttons_of_the_event() -> None:
    """R8.5."""
    notification = Notification(kind=NotificationKind.PROMOTED, user_id="U1", ticket=1)
    entry = JournalEntry(event_id="yoga", version=3, plan_id="p", at=START, about=ABOUT)
    blocks = notification_message(notification, entry).to_dict()["blocks"]
    text = text_of(blocks)
    assert f"<!date^{int(ABOUT.starts_at.timestamp())}^" in text
    assert "Riverside &amp; lawn" in text
    buttons = [(one["action_id"], one["value"]) for one in blocks[-1]["elements"]]
    assert buttons == [(ActionId.GIVE_UP_SEAT, "yoga"), (ActionId.ADD_TO_CALENDAR, "yoga")]


def test_removal_has_its_reason_if_any() -> None:
    """R4.6."""
    notification = Notification(kind=NotificationKind.REMOVED, user_id="U1", reason="no <show>")
    assert "no &lt;show&gt;" in said(notification)
    assert "eason" not in said(Notification(kind=NotificationKind.REMOVED, user_id="U1"))


@pytest.mark.parametrize(
    ("actor_id", "reason", "says"),
    [
        ("U9", "No <heating>", " by <@U9>. Reason: No &lt;heating&gt;"),
        ("U9", None, " by <@U9>."),
        (None, None, "."),
    ],
)
def test_cancellation_says_who_canceled_and_why(
    actor_id: str | None, reason: str | None, says: str
) -> None:
    """R8.8."""
    notification = Notification(kind=NotificationKind.CANCELED, actor_id=actor_id, reason=reason)
    assert f"has been canceled{says}\n" in said(notification)


EARLIER = ABOUT.starts_at - timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "what", "old"),
    [
        ({"starts_at": EARLIER}, "time", f"<!date^{int(EARLIER.timestamp())}^"),
        ({"ends_at": ABOUT.starts_at + timedelta(hours=1)}, "time", " – <!date^"),
        ({"location": "Room <5>"}, "location", "Before: Room &lt;5&gt;\n"),
        ({"location": ""}, "location", "Before: no location\n"),
        ({"location": "Room 5", "starts_at": EARLIER}, "time and location", " · Room 5\n"),
    ],
)
def test_move_says_what_changed_and_how_it_was(before: dict[str, Any], what: str, old: str) -> None:
    """R8.8: what stayed is said once."""
    text = said(Notification(kind=NotificationKind.MOVED, before=ABOUT.model_copy(update=before)))
    assert f"The {what} of *Yoga" in text
    assert old in text[text.index("Before:") :]
    assert ("Riverside" in text[text.index("Before:") :]) is False


def test_move_to_another_time_zone_alone_says_that_the_time_is_the_same() -> None:
    before = ABOUT.model_copy(update={"time_zone": "Asia/Tokyo"})
    text = said(Notification(kind=NotificationKind.MOVED, before=before))
    assert "from Asia/Tokyo to Europe/Berlin" in text
    assert f"same moment as before: <!date^{int(ABOUT.starts_at.timestamp())}^" in text
    assert "Before:" not in text


def test_location_that_was_removed_is_named_as_missing() -> None:
    about = ABOUT.model_copy(update={"location": ""})
    text = said(Notification(kind=NotificationKind.MOVED, before=ABOUT), about)
    assert "Now: <!date^" in text
    assert " · no location\nBefore: Riverside" in text


def test_event_that_was_moved_back_in_the_same_commit_has_no_earlier_values() -> None:
    text = said(Notification(kind=NotificationKind.MOVED, before=ABOUT))
    assert "The time or location of" in text
    assert "Before:" not in text


def test_move_has_its_note_and_who_wrote_it() -> None:
    moved = Notification(kind=NotificationKind.MOVED, before=ABOUT, note="Bring <a> coat")
    by_a_user = moved.model_copy(update={"actor_id": "U9"})
    assert "Note from <@U9>: Bring &lt;a&gt; coat" in said(by_a_user)
    assert "Note from the organizer: Bring" in said(moved)
    assert "Note" not in said(Notification(kind=NotificationKind.MOVED, before=ABOUT))


@pytest.mark.parametrize(
    ("waitlist_count", "says"), [(0, "\n"), (1, " 1 person is on"), (12, " 12 people are on")]
)
def test_reminder_says_how_soon_and_how_long_the_waitlist_is(
    waitlist_count: int, says: str
) -> None:
    about = ABOUT.model_copy(update={"waitlist_count": waitlist_count})
    text = said(Notification(kind=NotificationKind.REMINDER), about)
    assert f"starts in 2 days.{says}" in text


@pytest.mark.parametrize("kind", MESSAGES)
def test_only_messages_to_users_with_a_seat_have_the_join_link(kind: NotificationKind) -> None:
    """R12.2: clickable, and unaltered."""
    about = ABOUT.model_copy(update={"join_link": "https://example.org/a_b*c~d?x=1&y=2"})
    text = said(Notification(kind=kind, text="words", about_user_id="U2"), about)
    is_for_seated = kind in (
        NotificationKind.ADDED,
        NotificationKind.ENROLLED,
        NotificationKind.PROMOTED,
        NotificationKind.REMINDER,
    )
    assert ("<https://example.org/a_b*c~d?x=1&amp;y=2>" in text) is is_for_seated
    assert ("example.org" in text) is is_for_seated


@pytest.mark.parametrize("actor_id", ["U9", None])
def test_added_attendee_reads_who_added_them(actor_id: str | None) -> None:
    """R12.4."""
    text = said(Notification(kind=NotificationKind.ADDED, user_id="U1", actor_id=actor_id))
    assert ("<@U9> registered you" in text) is (actor_id is not None)


def test_enrolled_user_reads_whether_there_is_a_seat_and_can_skip_this_one() -> None:
    """R13.4."""
    notification = Notification(kind=NotificationKind.ENROLLED, user_id="U1", ticket=1)
    change = Change(kind=ChangeKind.WAITLISTED, user_id="U1", cause=Cause.SERIES)
    seated, waitlisted = said(notification), said(notification, changes=(change,))
    assert "You have a seat in" in seated
    assert f"[{ActionId.GIVE_UP_SEAT}]" in seated
    assert "You’re on the waitlist for" in waitlisted
    assert f"[{ActionId.CHOOSE_TO_UNREGISTER}]" in waitlisted


def test_enrolled_user_is_asked_what_they_were_not_asked_before() -> None:
    """R12.3."""
    text = said(Notification(kind=NotificationKind.ENROLLED, user_id="U1", text="Size?\nDiet?"))
    assert "Please also answer: \n• Size?\n• Diet?" in text
    assert f"[{ActionId.CHANGE_ANSWERS}]" in text


@pytest.mark.parametrize("kind", sorted(set(MESSAGES) - OF_EVENTS))
def test_message_about_a_series_speaks_of_no_seat_and_no_single_date(
    kind: NotificationKind,
) -> None:
    """R13.4."""
    rule = Recurrence(frequency=Frequency.WEEKLY, until=ABOUT.starts_at.date())
    change = Change(kind=ChangeKind.WAITLISTED, user_id="U1")
    notification = Notification(kind=kind, user_id="U1", text="words", about_user_id="U2")
    text = said(notification, ABOUT.model_copy(update={"recurrence": rule}), changes=(change,))
    assert "until" in text
    for word in ("waitlist", "seat", "canceled by", "<!date", f"[{ActionId.GIVE_UP_SEAT}]"):
        assert word not in text


@pytest.mark.parametrize("actor_id", ["U9", None])
def test_new_organizer_reads_who_added_them(actor_id: str | None) -> None:
    text = said(Notification(kind=NotificationKind.ORGANIZER_ADDED, actor_id=actor_id))
    assert ("<@U9> added you" in text) is (actor_id is not None)


def test_move_shows_the_new_values_before_the_old() -> None:
    """R8.8."""
    before = ABOUT.model_copy(update={"location": "Room 5", "starts_at": START})
    text = said(Notification(kind=NotificationKind.MOVED, before=before))
    assert text.index("Riverside &amp; lawn") < text.index("Room 5")
    for moment in (ABOUT.starts_at, START):
        assert f"<!date^{int(moment.timestamp())}^" in text


BUTTONS = {
    NotificationKind.ADDED: f"[{ActionId.GIVE_UP_SEAT}]",
    NotificationKind.ENROLLED: f"[{ActionId.STOP_SERIES}]",
    NotificationKind.NOT_ENROLLED: f"[{ActionId.STOP_SERIES}]",
    NotificationKind.PROMOTED: f"[{ActionId.GIVE_UP_SEAT}]",
    NotificationKind.REMOVED: f"[{ActionId.SHOW_EVENTS}]",
    NotificationKind.MOVED: f"[{ActionId.CHOOSE_TO_UNREGISTER}]",
    NotificationKind.CANCELED: f"[{ActionId.SHOW_EVENTS}]",
    NotificationKind.DELETED: f"[{ActionId.SHOW_EVENTS}]",
    NotificationKind.CLOSED: f"[{ActionId.CHOOSE_TO_UNREGISTER}]",
    NotificationKind.REMINDER: f"[{ActionId.GIVE_UP_SEAT}]",
    NotificationKind.ANNOUNCEMENT: f"[{ActionId.CHOOSE_TO_UNREGISTER}]",
    NotificationKind.DEACTIVATED: f"[{ActionId.MANAGE}]",
    NotificationKind.ORGANIZER_ADDED: f"[{ActionId.MANAGE}]",
    NotificationKind.ORGANIZER_LEFT: f"[{ActionId.MANAGE}]",
    NotificationKind.ORPHANED: f"[{ActionId.TAKE_OVER}]",
    NotificationKind.QUESTIONS_ADDED: f"[{ActionId.CHANGE_ANSWERS}]",
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notification_has_the_time_in_the_readers_zone_and_the_location(
    kind: NotificationKind,
) -> None:
    text = said(Notification(kind=kind, user_id="U1", text="words", about_user_id="U2"))
    assert f"<!date^{int(ABOUT.starts_at.timestamp())}^" in text
    assert "Riverside &amp; lawn" in text


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notification_has_the_button_for_the_next_step(kind: NotificationKind) -> None:
    assert BUTTONS[kind] in said(
        Notification(kind=kind, user_id="U1", text="words", about_user_id="U2")
    )


def test_event_of_a_series_without_an_organizer_names_nobody_who_left() -> None:
    text = said(Notification(kind=NotificationKind.ORPHANED, user_id="U1"))
    assert "because its series has none" in text
    assert "<@" not in text


def test_message_names_its_author_in_a_batch_of_several() -> None:
    """One commit can hold a registration and the messages of two organizers."""
    registered = Change(kind=ChangeKind.REGISTERED, user_id="U1", actor_id="U1", ticket=1)
    wrote = [Change(kind=ChangeKind.ANNOUNCED, actor_id=one) for one in ("UBOSS", "UVICE")]
    texts = [
        Notification(kind=NotificationKind.ANNOUNCEMENT, text=text)
        for text in ("Bring a mat", "Or two")
    ]
    entry = JournalEntry(
        event_id="yoga",
        version=3,
        plan_id="p",
        at=START,
        changes=(registered, *wrote),
        notifications=tuple(texts),
        about=ABOUT,
    )
    first, second = (text_of(notification_message(one, entry).to_dict()["blocks"]) for one in texts)
    assert ("<@UBOSS>" in first, "<@UVICE>" in first) == (True, False)
    assert ("<@UBOSS>" in second, "<@UVICE>" in second) == (False, True)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (
            RegistrationStatus.REGISTERED,
            "was removed from *Yoga &lt;!channel&gt;*. <@U4> gets the seat.",
        ),
        (
            RegistrationStatus.WAITLISTED,
            "was removed from the waitlist for *Yoga &lt;!channel&gt;*.",
        ),
    ],
)
def test_departure_names_the_attendee_who_got_this_seat(
    status: RegistrationStatus, says: str
) -> None:
    """R8.14: another attendee left in the same commit, and someone else got that seat."""

    def left(user_id: str, status: RegistrationStatus) -> Change:
        return Change(kind=ChangeKind.UNREGISTERED, user_id=user_id, cause=Cause.OWN, status=status)

    def promoted(user_id: str) -> Change:
        return Change(kind=ChangeKind.PROMOTED, user_id=user_id, cause=Cause.SEAT_FREED)

    entry = JournalEntry(
        event_id="yoga",
        version=3,
        plan_id="p",
        at=START,
        changes=(
            left("U1", RegistrationStatus.REGISTERED),
            promoted("U2"),
            left("U3", status),
            *([promoted("U4")] if status is RegistrationStatus.REGISTERED else []),
        ),
        about=ABOUT,
    )
    notification = Notification(
        kind=NotificationKind.DEACTIVATED, user_id="UBOSS", about_user_id="U3"
    )
    text = text_of(notification_message(notification, entry).to_dict()["blocks"])
    assert says in text
    assert "<@U2>" not in text


def test_notification_without_an_event_summary_is_an_error() -> None:
    with pytest.raises(ValueError, match="version 3 of yoga"):
        said(Notification(kind=NotificationKind.CANCELED), about=None)


def report(*kinds: NotificationKind, more: int = 0, user_id: str = "U1") -> dict[str, Any]:
    entry = JournalEntry(event_id="yoga", version=3, plan_id="p", at=START, about=ABOUT)
    recipients = [
        UnreachableRecipient(user_id=user_id, version=3, kind=kind, reason="user_disabled")
        for kind in kinds
    ]
    return unreachable_message(entry, recipients, more).to_dict()


@pytest.mark.parametrize("kind", [*MESSAGES, NotificationKind.EXPORT])
def test_report_names_the_recipient_and_event_for_every_kind(kind: NotificationKind) -> None:
    """R9.2, escaped (R8.11)."""
    message = report(kind)
    for text in (message["text"], text_of(message["blocks"])):
        assert "<@U1>" in text
        assert "Yoga &lt;!channel&gt;" in text
        assert "more" not in text
    assert "2 more" in report(kind, more=2)["text"]


def test_longest_report_fits_slacks_limits() -> None:
    """R8.11: a section holds 3,000 characters, and an id has at most 64."""
    longest = "U" * 64
    message = report(*[NotificationKind.CANCELED] * MAX_NAMED, more=99, user_id=longest)
    assert text_of(message["blocks"]).count(longest) == MAX_NAMED
    for block in message["blocks"]:
        assert len(block.get("text", {}).get("text", "")) <= 3_000
