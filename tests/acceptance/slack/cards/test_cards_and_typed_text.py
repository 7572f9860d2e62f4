"""Cards (R8.3), and typed text: shown as typed, harmless, and within limits (R8.11)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks.builders import as_json, paragraphs
from bot.blocks.formatting import moment, ordinal, plain_time, when
from bot.blocks.ids import ActionId, BlockId
from bot.blocks.mrkdwn import as_typed, bold, contained, escape, mention_list, shortened
from bot.features.cards.views import event_card
from domain.enums import EventStatus
from domain.inputs import utf16_length
from domain.models import Event
from playground.demo.seed import RANDOM
from playground.workspace.model import Member
from tests.support.slack.event_form import opened
from tests.support.slack.harness import AMARA, BJORN, CHLOE, SlackHarness, reply, shown, text_of

NASTY = [
    "<!channel> <!here> <!everyone>",
    "<@U0HARUKI> <#C0GENERAL|general> <https://evil.example|click>",
    "*bold* _italic_ ~struck~ `code` ```block```",
    "https://evil.example www.evil.example #general @amara",
    ":wave: &lt;!channel&gt; &amp;",
    "\u2022 list \u202e right to left \u200b nothing",
]


def in_mrkdwn(part: Any) -> list[str]:
    """Return the mrkdwn texts of blocks."""
    if isinstance(part, list):
        return [text for one in part for text in in_mrkdwn(one)]
    if isinstance(part, dict):
        if part.get("type") == "mrkdwn":
            assert part.get("verbatim") is True, "Slack would look for links in it"
            return [str(part["text"])]
        return [text for one in part.values() for text in in_mrkdwn(one)]
    return []


def assert_harmless(harness: SlackHarness) -> None:
    """Assert that the bot sent no typed control sequence as mrkdwn."""
    for call in harness.api.calls():
        blocks = call.args.get("blocks") or call.args.get("view") or []
        part = json.loads(blocks) if isinstance(blocks, str) else blocks
        for text in [*in_mrkdwn(part), str(call.args.get("text", ""))]:
            for live in ("<!channel", "<!here", "<!everyone", "<@U0HARUKI>", "<#C"):
                assert live not in text, text
            for target in re.findall("<(https?:[^>]*)>", text):
                assert "|" not in target, "the text of a link would not be its target"


@pytest.mark.parametrize("text", NASTY)
def test_typed_text_is_harmless_on_every_screen(harness: SlackHarness, text: str) -> None:
    """`<!channel>` in every text field, on every screen."""
    title = f"Yoga {text}"[:120]
    event = harness.event(
        title=title, location=text, description=f"{text}\n{text}", organizer_id=BJORN, capacity=1
    )
    card = harness.card(event)
    header = next(block for block in card.blocks if block["type"] == "header")
    assert header["text"]["text"] == title, "shown as typed"
    harness.slack.click(CHLOE, card, ActionId.REGISTER)
    harness.register(AMARA)
    asked = harness.slack.click(CHLOE, card, ActionId.UNREGISTER)
    harness.slack.click(CHLOE, asked.ephemeral[-1], ActionId.UNREGISTER_CONFIRMED)
    harness.deliver_due()
    assert len(harness.direct_messages(AMARA)) == 1
    harness.slack.command(BJORN, RANDOM, "/event", "yoga")
    harness.slack.click(BJORN, harness.workspace.views.stack(BJORN)[-1], ActionId.CHANGE_CAPACITY)
    harness.slack.open_home(CHLOE)
    for command in ("/events", "/registrations"):
        for message in harness.slack.command(AMARA, RANDOM, command).ephemeral:
            for mrkdwn in in_mrkdwn(message.blocks):
                assert "<!channel" not in mrkdwn
                assert "<@U0HARUKI>" not in mrkdwn
    assert "organized by <@U0BJORN>" in shown(card)
    assert_harmless(harness)


@pytest.mark.parametrize("command", ["/register", "/unregister", "/registrations", "/event"])
@pytest.mark.parametrize("text", ["<!channel>", "<@U0HARUKI>", "x" * 3_900, "*", "\u0000", "&lt;"])
def test_command_with_strange_text_is_harmless(
    harness: SlackHarness, command: str, text: str
) -> None:
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, command, text)
    assert result.failure is None
    for message in result.ephemeral:
        for mrkdwn in in_mrkdwn(message.blocks):
            assert "<!channel>" not in mrkdwn
            assert "<@U0HARUKI>" not in mrkdwn
    assert harness.assert_invariants().registrations == {}


PIECES = st.sampled_from(
    (
        *("https://", "HTTP://a.example", "/x_y_", "~z", ":8080", "?a=1&b=2", "#c", "*", "_", "<"),
        *(
            ">",
            "|",
            "(",
            ")",
            ".",
            ",",
            " ",
            "\n",
            "@",
            "!channel",
            "\u202e",
            "\u6f22",
            "`",
            "\x00",
        ),
    )
)

TYPED = st.text(max_size=200) | st.lists(PIECES, max_size=12).map("".join)

LINK = re.compile(r"<(https?://[^<>|\s]+)>", re.IGNORECASE)


def read_in_slack(escaped: str) -> str:
    """Return what a reader sees, with the characters for which lookalikes stand."""
    return as_typed(unescape(LINK.sub(r"\1", escaped)))


@given(TYPED)
def test_what_is_read_equals_what_was_typed(text: str) -> None:
    visible = re.sub("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]", "", text)
    expected = as_typed(" ".join(visible.split()))
    assert read_in_slack(escape(text)).rstrip("\u202c\u2069") == expected.rstrip("\u202c\u2069")


@given(TYPED)
def test_link_has_its_target_as_its_text_and_was_typed(text: str) -> None:
    for target in LINK.findall(escape(text)):
        assert unescape(target) in re.sub("[\x00-\x1f\x7f-\x9f]", "", text)


@given(TYPED)
def test_lines_are_shown_with_their_links_unaltered(text: str) -> None:
    block = as_json(paragraphs(text or "x"))
    assert text_of(block) == (text or "x") if block["type"] == "rich_text" else True
    if block["type"] == "rich_text":
        for part in block["elements"][0]["elements"]:
            assert part["type"] == "text" or set(part) == {"type", "url"}


@pytest.mark.parametrize(
    ("typed", "links"),
    [
        (
            "https://a.example/x_y_~z:1/:a:?b=1&c=2#d",
            ["https://a.example/x_y_~z:1/:a:?b=1&amp;c=2#d"],
        ),
        (
            "See (https://a.example/b_(c)), or http://b.example.",
            ["https://a.example/b_(c)", "http://b.example"],
        ),
        (
            "<https://evil.example|https://bank.example>",
            ["https://evil.example", "https://bank.example"],
        ),
        ("*https://a.example*", ["https://a.example"]),
        ("https:// xhttps://a.example javascript:alert(1) ftp://a.example", []),
        ("https://a.example/\u202egnp.exe", ["https://a.example/"]),
    ],
)
def test_address_is_a_link_that_shows_itself(typed: str, links: list[str]) -> None:
    assert LINK.findall(escape(typed)) == links


def test_address_that_does_not_fit_is_left_out_rather_than_cut() -> None:
    assert escape("See https://a.example/a-long-path for more", 30) == "See \u2026"


def test_address_is_a_link_wherever_it_was_typed(harness: SlackHarness) -> None:
    address = "https://meet.example/a_b_c?x=1&y=~2"
    event = harness.event(
        location=address, description=f"*Bring* this:\n{address}", organizer_id=BJORN
    )
    card = harness.card(event)
    link = f"<{address.replace('&', '&amp;')}>"
    assert link in shown(card), "the location"
    assert f"*Bring* this:\n{address}" in shown(card)
    (rich,) = [block for block in card.blocks if block["type"] == "rich_text"]
    assert {"type": "link", "url": address} in rich["elements"][0]["elements"]
    (listed,) = harness.slack.command(AMARA, RANDOM, "/events").ephemeral
    assert shown(listed).count(link) == 2, "the location, and the excerpt of the description"


@given(TYPED)
def test_escaped_text_has_no_control_sequence_or_line_break(text: str) -> None:
    escaped = LINK.sub("", escape(text))
    assert "<" not in escaped
    assert ">" not in escaped
    assert "\n" not in escaped
    without = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in without


@pytest.mark.parametrize("text", ["R&D <3", "a_b_c", "10:30", "*", ":not a code: at all"])
def test_escaped_text_reads_as_it_was_typed(text: str) -> None:
    read = as_typed(escape(text))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        read = read.replace(entity, character)
    assert read == text


@given(st.text("*_~`:&<> a1\u00e9\n", max_size=40))
def test_escaped_text_in_bold_formats_nothing(text: str) -> None:
    """Regression: asterisks in a title ended the bold text."""
    shown = bold(text)
    assert (shown[0], shown[-1]) == ("*", "*")
    assert not set("*~`") & set(shown[1:-1])
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", shown)
    assert not escape(text).startswith("&gt;"), "it would be a quotation"


@given(st.text(max_size=400), st.integers(20, 300))
def test_escaped_text_is_cut_to_what_fits(text: str, most: int) -> None:
    escaped = escape(text, most)
    assert len(escaped) <= most
    assert escaped == escape(text) or escaped.rstrip("\u202c\u2069").endswith("\u2026")


@pytest.mark.parametrize(
    ("typed", "closed_by"),
    [
        ("\u202egniht", "\u202c"),
        ("\u202ea\u202c", ""),
        ("\u2066a \u202ab", "\u202c\u2069"),
        ("\u2066a \u202ab\u2069", ""),
        ("\u2069\u202ca", ""),
        ("\u2067\u2067a\u2069", "\u2069"),
    ],
)
def test_direction_marks_end_with_the_text(typed: str, closed_by: str) -> None:
    """Regression: a title with a direction override reversed the text after it (R8.11)."""
    assert escape(typed) == typed + closed_by
    assert contained(typed) == typed + closed_by


def test_control_characters_are_not_shown() -> None:
    assert escape("a\x00b\x1b[31m\x7f\x9fc\td\x85e") == "ab[31mc d e"


# The longest inputs fit

LONGEST = ["&", "<", "*", "x", "\u00e4", "\u6f22", "\U0001f9d8", ":a", "http://a& "]


@pytest.mark.parametrize("character", LONGEST)
def test_longest_inputs_fit_on_every_screen(harness: SlackHarness, character: str) -> None:
    organizers = [f"U{number:063}" for number in range(20)]
    for user_id in organizers:
        harness.workspace.put_member(Member(user_id, user_id.lower(), "Organizer"))

    def longest(length: int) -> str:
        # An emoji has two UTF-16 units, ":a" two characters.
        return (character * (length // utf16_length(character))).strip()

    for number in range(20):
        start = harness.clock.now() + timedelta(days=1, hours=number)
        harness.event(
            f"{number:064}",
            title=longest(120),
            location=longest(200),
            description=longest(2_500),
            starts_at=start,
            ends_at=start + timedelta(days=40),
            registration_deadline=start,
            time_zone="America/Argentina/ComodRivadavia",
            organizer_id=BJORN,
            co_organizer_ids=organizers,
            capacity=1 if number % 2 else 100_000,
        )
        if number % 2:
            harness.register(AMARA, event_id=f"{number:064}")
        harness.register(BJORN, CHLOE, event_id=f"{number:064}")
    harness.card(harness.bot.service.get_event(f"{1:064}"))
    for command, text in (
        ("/events", ""),
        ("/registrations", ""),
        ("/registrations", "waitlisted"),
        ("/register", longest(120)),
        ("/unregister", longest(120)),
        ("/event", longest(120)),
        ("/event", f"{1:064}"),
        ("/register", f"{1:064}"),
        ("/unregister", f"{1:064}"),
    ):
        result = harness.slack.command(BJORN, RANDOM, command, text)
        assert result.failure is None, (command, result.failure)
    for action in (ActionId.CHANGE_CAPACITY, ActionId.POST_CARD):
        harness.slack.command(BJORN, RANDOM, "/event", f"{1:064}")
        result = harness.slack.click(BJORN, harness.workspace.views.stack(BJORN)[-1], action)
        assert result.failure is None
    harness.slack.open_home(BJORN)
    for command in ("/register", "/unregister"):
        view = harness.slack.command(BJORN, RANDOM, command).view
        assert view is not None
        result = harness.slack.options(BJORN, view, ActionId.EVENT)
        assert result.failure is None
        assert len(result.options) in (10, 20)
    harness.bot.service.unregister(f"{1:064}", AMARA)
    harness.deliver_due()
    assert harness.direct_messages(BJORN) != []


def test_time_zone_options_are_at_most_100(harness: SlackHarness) -> None:
    view = opened(harness)
    result = harness.slack.options(BJORN, view, ActionId.TIME_ZONE, BlockId.TIME_ZONE, query="a")
    assert len(result.options) == 100


# The card: R8.3


def event(**values: Any) -> Event:
    given_values: dict[str, Any] = {
        "event_id": "e1",
        "title": "Chess",
        "description": "",
        "location": "",
        "starts_at": datetime(2026, 11, 25, 17, 0, tzinfo=UTC),
        "ends_at": None,
        "time_zone": "Europe/Berlin",
        "organizer_id": AMARA,
        "co_organizer_ids": (),
        "capacity": 20,
        "has_waitlist": True,
        "registration_deadline": None,
        "listed": True,
        "status": EventStatus.OPEN,
        "created_at": datetime(2026, 11, 1, tzinfo=UTC),
        "updated_at": datetime(2026, 11, 1, tzinfo=UTC),
        "version": 1,
    }
    return Event(**given_values | values)


def card_of(**values: Any) -> str:
    return text_of(event_card(event(**values)).to_dict()["blocks"])


def test_card_shows_all_fields_and_buttons() -> None:
    text = card_of(
        location="Room 5",
        description="Bring *clocks*",
        registered_count=12,
        waitlist_count=3,
        co_organizer_ids=(CHLOE,),
    )
    assert text.splitlines() == [
        "Chess",
        "<!date^1795626000^{date_long_pretty}, {time}|Wed, Nov 25, 2026, 6:00 PM (Europe/Berlin)> · Room 5",
        "Bring *clocks*",
        f"12 of 20 seats taken · 3 on the waitlist · organized by <@{AMARA}>, <@{CHLOE}>",
        f"[{ActionId.REGISTER}]",
        f"[{ActionId.UNREGISTER}]",
        f"[{ActionId.GOING}]",
        f"[{ActionId.MANAGE}]",
    ]


def test_full_card_offers_waitlist() -> None:
    assert "Join waitlist" in str(event_card(event(registered_count=20)).to_dict())
    assert "20 of 20 seats taken · waitlist open" in card_of(registered_count=20)
    assert "20 of 20 seats taken · full" in card_of(registered_count=20, has_waitlist=False)


def test_full_card_without_waitlist_offers_no_registration() -> None:
    text = card_of(registered_count=20, has_waitlist=False)
    assert f"[{ActionId.REGISTER}]" not in text
    assert f"[{ActionId.UNREGISTER}]" in text


STARTS = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 24, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=2)


@pytest.mark.parametrize(
    ("values", "words", "can_unregister"),
    [
        ({"status": EventStatus.CLOSED}, "*Registration closed*", True),
        ({"status": EventStatus.CANCELED}, "*Canceled*", False),
        (
            {"registration_deadline": DEADLINE, "last_due_at": DEADLINE},
            "*Registration closed*",
            True,
        ),
        ({"ends_at": ENDS, "last_due_at": STARTS}, "*Started*", True),
        ({"ends_at": ENDS, "last_due_at": ENDS}, "*Ended*", False),
        ({"last_due_at": STARTS}, "*Started*", False),
        ({"status": EventStatus.CANCELED, "last_due_at": STARTS}, "*Canceled*", False),
    ],
)
def test_card_without_registration_says_why(
    values: dict[str, Any], words: str, can_unregister: bool
) -> None:
    text = card_of(registered_count=1, **values)
    assert f"{words} · 1 of 20 seats taken" in text
    assert "register by" not in text
    assert f"[{ActionId.REGISTER}]" not in text
    assert (f"[{ActionId.UNREGISTER}]" in text) is can_unregister


def test_closed_card_without_attendees_has_nothing_to_unregister_from() -> None:
    assert f"[{ActionId.UNREGISTER}]" not in card_of(status=EventStatus.CLOSED)
    assert f"[{ActionId.UNREGISTER}]" in card_of()


def test_card_of_moved_event_takes_registrations_again() -> None:
    text = card_of(starts_at=STARTS + timedelta(days=1), last_due_at=STARTS)
    assert f"[{ActionId.REGISTER}]" in text


def test_card_shows_deadline() -> None:
    deadline = datetime(2026, 11, 24, tzinfo=UTC)
    assert "register by <!date^1795478400^" in card_of(registration_deadline=deadline)


def test_message_text_is_escaped() -> None:
    assert event_card(event(title="<!channel>")).text == "&lt;!channel&gt;: 0 of 20 seats taken"


def test_times_fall_back_to_event_time_zone() -> None:
    value = datetime(2026, 7, 1, 17, 0, tzinfo=UTC)
    assert moment(value, "Asia/Kolkata") == (
        "<!date^1782925200^{date_long_pretty}, {time}|Wed, Jul 1, 2026, 10:30 PM (Asia/Kolkata)>"
    )
    day = timedelta(days=1)
    start = event().starts_at
    assert when(event(ends_at=start + day / 24)).endswith("^{time}|7:00 PM>")
    assert "Thu, Nov 26, 2026" in when(event(ends_at=start + day))
    assert when(event(ends_at=start + day / 3)).endswith("^{time}|2:00 AM>")


@pytest.mark.parametrize("command", ["/register", "/unregister"])
def test_picker_shows_starts_in_the_readers_zone(harness: SlackHarness, command: str) -> None:
    """Plain text can't leave the zone to Slack."""
    event = harness.event(time_zone="Asia/Tokyo")
    harness.register(AMARA)
    view = harness.slack.command(AMARA, RANDOM, command).view
    assert view is not None
    (option,) = harness.slack.options(AMARA, view, ActionId.EVENT).options
    now = harness.clock.now()
    assert plain_time(event.starts_at, "Africa/Lagos", now) in str(option)
    assert plain_time(event.starts_at, "Asia/Tokyo", now) not in str(option)


def test_numbers_and_lists_in_words() -> None:
    said = [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 112)]
    assert said == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "102nd",
        "111th",
        "112th",
    ]
    assert mention_list(["U1"], 1) == "<@U1>"
    assert mention_list(["U1", "W2"], 2) == "<@U1> and <@W2>"
    assert mention_list(["U1", "U2", "U3"], 60) == "<@U1>, <@U2>, <@U3>, and 57 more"
    assert shortened("abcdef", 4) == "abc…"


def test_user_not_in_slack_is_shown_by_id() -> None:
    """API clients can register any user. Slack can't resolve a mention of them."""
    assert mention_list(["U1", "hr-7"], 2) == "<@U1> and hr-7"


def test_reply_text_equals_first_block(harness: SlackHarness) -> None:
    harness.event()
    result = harness.slack.command(BJORN, RANDOM, "/register", "yoga")
    assert as_typed(result.ephemeral[-1].text) in reply(result)
