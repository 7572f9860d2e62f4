"""What direct messages say (R8.5, R8.8), with text shown as typed (R8.11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.ids import ActionId
from bot.notifications.messages import notification_message, unreachable_message
from bot.notifications.unreachable import MOST_NAMED
from domain.enums import Cause, ChangeKind, NotificationKind, RegistrationStatus
from domain.models import Change, EventSummary, JournalEntry, Notification, UnreachableRecipient
from tests.support.environment import START
from tests.support.slack.harness import text_of

ABOUT = EventSummary(
    title="Yoga <!channel>",
    starts_at=START + timedelta(days=2),
    ends_at=None,
    time_zone="Europe/Berlin",
    location="Riverside & lawn",
)


def said(notification: Notification, about: EventSummary | None = ABOUT) -> str:
    entry = JournalEntry(
        event_id="yoga",
        version=3,
        plan_id="p",
        at=START,
        notifications=(notification,),
        about=about,
    )
    return text_of(notification_message(notification, entry).to_dict()["blocks"])


MESSAGES = [kind for kind in NotificationKind if kind is not NotificationKind.EXPORT]
"""Of an export, there is a file instead."""


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notice_names_its_event_harmlessly(kind: NotificationKind) -> None:
    """R8.11: what people typed can't ping, here neither."""
    text = said(Notification(kind=kind, user_id="U1", ticket=1, text="words", about_user_id="U2"))
    assert "Yoga &lt;!channel&gt;" in text
    assert "<!channel>" not in text


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notice_has_text_for_those_who_see_no_blocks(kind: NotificationKind) -> None:
    notification = Notification(kind=kind)
    entry = JournalEntry(event_id="yoga", version=3, plan_id="p", at=START, about=ABOUT)
    message = notification_message(notification, entry)
    assert "Yoga" in message.text
    assert "<!channel>" not in message.text


def test_promotion_says_when_and_where_and_has_a_button_with_the_event() -> None:
    """R8.5."""
    notification = Notification(kind=NotificationKind.PROMOTED, user_id="U1", ticket=1)
    entry = JournalEntry(event_id="yoga", version=3, plan_id="p", at=START, about=ABOUT)
    blocks = notification_message(notification, entry).to_dict()["blocks"]
    text = text_of(blocks)
    assert f"<!date^{int(ABOUT.starts_at.timestamp())}^" in text
    assert "Riverside &amp; lawn" in text
    buttons = [(one["action_id"], one["value"]) for one in blocks[-1]["elements"]]
    assert buttons == [(ActionId.GIVE_UP_SEAT, "yoga"), (ActionId.ADD_TO_CALENDAR, "yoga")]


def test_removal_gives_the_reason_if_there_is_one() -> None:
    """R4.6."""
    notification = Notification(kind=NotificationKind.REMOVED, user_id="U1", reason="no <show>")
    assert "no &lt;show&gt;" in said(notification)
    assert "Reason" not in said(Notification(kind=NotificationKind.REMOVED, user_id="U1"))


def test_move_shows_the_new_and_the_old() -> None:
    """R8.8."""
    before = ABOUT.model_copy(update={"location": "Room 5", "starts_at": START})
    text = said(Notification(kind=NotificationKind.MOVED, before=before))
    assert text.index("Riverside &amp; lawn") < text.index("Room 5")
    for moment in (ABOUT.starts_at, START):
        assert f"<!date^{int(moment.timestamp())}^" in text


BUTTONS = {
    NotificationKind.PROMOTED: f"[{ActionId.GIVE_UP_SEAT}]",
    NotificationKind.REMOVED: f"[{ActionId.SHOW_EVENTS}]",
    NotificationKind.MOVED: f"[{ActionId.ADD_TO_CALENDAR}]",
    NotificationKind.CANCELED: f"[{ActionId.ADD_TO_CALENDAR}]",
    NotificationKind.DELETED: f"[{ActionId.SHOW_EVENTS}]",
    NotificationKind.CLOSED: f"[{ActionId.CHOOSE_TO_UNREGISTER}]",
    NotificationKind.REMINDER: f"[{ActionId.GIVE_UP_SEAT}]",
    NotificationKind.MESSAGE: f"[{ActionId.CHOOSE_TO_UNREGISTER}]",
    NotificationKind.DEACTIVATED: f"[{ActionId.MANAGE}]",
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notice_says_when_in_the_readers_zone_and_where(kind: NotificationKind) -> None:
    text = said(Notification(kind=kind, user_id="U1", text="words", about_user_id="U2"))
    assert f"<!date^{int(ABOUT.starts_at.timestamp())}^" in text
    assert "Riverside &amp; lawn" in text


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_notice_has_the_button_that_helps(kind: NotificationKind) -> None:
    assert BUTTONS[kind] in said(
        Notification(kind=kind, user_id="U1", text="words", about_user_id="U2")
    )


def test_a_message_is_its_writers_whoever_else_is_in_the_commit() -> None:
    """In a rush one commit holds a registration and two organizers' messages: it named who came first."""
    registered = Change(kind=ChangeKind.REGISTERED, user_id="U1", actor_id="U1", ticket=1)
    wrote = [Change(kind=ChangeKind.MESSAGED, actor_id=one) for one in ("UBOSS", "UVICE")]
    texts = [
        Notification(kind=NotificationKind.MESSAGE, text=text) for text in ("Bring a mat", "Or two")
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
    assert "<@UBOSS> sent you a message" in first
    assert "<@UVICE> sent you a message" in second


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
def test_who_has_the_seat_of_one_who_is_gone_is_not_another_who_moved_up(
    status: RegistrationStatus, says: str
) -> None:
    """R8.14: somebody else left in the same commit, and another got that seat."""

    def left(user_id: str, status: RegistrationStatus) -> Change:
        return Change(kind=ChangeKind.LEFT, user_id=user_id, cause=Cause.OWN, status=status)

    def moved_up(user_id: str) -> Change:
        return Change(kind=ChangeKind.PROMOTED, user_id=user_id, cause=Cause.SEAT_FREED)

    entry = JournalEntry(
        event_id="yoga",
        version=3,
        plan_id="p",
        at=START,
        changes=(
            left("U1", RegistrationStatus.REGISTERED),
            moved_up("U2"),
            left("U3", status),
            *([moved_up("U4")] if status is RegistrationStatus.REGISTERED else []),
        ),
        about=ABOUT,
    )
    notification = Notification(
        kind=NotificationKind.DEACTIVATED, user_id="UBOSS", about_user_id="U3"
    )
    text = text_of(notification_message(notification, entry).to_dict()["blocks"])
    assert says in text
    assert "<@U2>" not in text


def test_notice_about_nothing_is_a_mistake_of_the_journal() -> None:
    with pytest.raises(ValueError, match="version 3 of yoga"):
        said(Notification(kind=NotificationKind.CANCELED), about=None)


def word(*kinds: NotificationKind, more: int = 0, user_id: str = "U1") -> dict[str, Any]:
    entry = JournalEntry(event_id="yoga", version=3, plan_id="p", at=START, about=ABOUT)
    people = [
        UnreachableRecipient(user_id=user_id, version=3, kind=kind, reason="user_disabled")
        for kind in kinds
    ]
    return unreachable_message(entry, people, more).to_dict()


@pytest.mark.parametrize("kind", NotificationKind)
def test_organizers_are_told_of_anyone_whom_any_notice_missed(kind: NotificationKind) -> None:
    """R9.2: who and which event, harmlessly (R8.11)."""
    message = word(kind)
    for text in (message["text"], text_of(message["blocks"])):
        assert "<@U1>" in text
        assert "Yoga &lt;!channel&gt;" in text
        assert "more" not in text
    assert "2 more" in word(kind, more=2)["text"]


def test_as_many_as_one_message_names_fit_it() -> None:
    """R8.11: Slack takes 3,000 characters a section; an id has 64 at most."""
    longest = "U" * 64
    message = word(*[NotificationKind.CANCELED] * MOST_NAMED, more=99, user_id=longest)
    assert text_of(message["blocks"]).count(longest) == MOST_NAMED
    for block in message["blocks"]:
        assert len(block.get("text", {}).get("text", "")) <= 3_000
