"""Validation of input."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from domain.enums import Audience
from domain.errors import Invalid
from domain.inputs import (
    MAX_JOIN_LINK_LENGTH,
    AnnouncementDraft,
    EventChanges,
    Removal,
    UserChanges,
    UserDraft,
    is_visible,
)


def test_edit_can_remove_the_end_but_not_the_start() -> None:
    """R2.6: an event has a start, and its end is optional."""
    assert EventChanges.of(ends_at=None).given() == {"ends_at": None}
    with pytest.raises(Invalid) as refusal:
        EventChanges.of(starts_at=None)
    assert (refusal.value.field, refusal.value.reason) == ("starts_at", "must be given")


INVISIBLE = {
    "zero-width": "\u200b\u200d\ufeff",
    "bidi marks": "\u200e\u202e\u2067",
    "variation selectors": "\ufe0f\U000e0100",
    "fillers": "\u115f\u1160\u3164\uffa0",
    "Braille blank": "\u2800",
    "separators": "\u2028\u2029",
    "controls": "\x00\x1b\x85",
    "spaces": " \xa0\u3000",
    "tags": "\U000e0041\U000e007f",
    "joiner and soft hyphen": "\u034f\xad",
}


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_name_that_shows_nothing_is_refused_as_empty(text: str) -> None:
    """R1.2."""
    for field, draft in (("name", UserDraft), ("name", UserChanges), ("title", EventChanges)):
        with pytest.raises(Invalid) as refusal:
            draft.of(**{field: text})
        assert (refusal.value.field, refusal.value.reason) == (field, "must not be empty")
    with pytest.raises(Invalid):
        AnnouncementDraft.of(text=text, audience=Audience.EVERYONE)
    optional = EventChanges.of(location=text, description=text)
    assert (optional.location, optional.description, Removal.of(reason=text).reason) == ("", "", "")


def test_characters_that_show_nothing_are_those_of_unicode() -> None:
    """All format characters but signs that enclose numbers, and those that join hieroglyphs."""
    shown = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
        and is_visible(character)
    }
    scripts = {unicodedata.name(character).split()[0] for character in shown}
    assert scripts <= {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"}


@pytest.mark.parametrize(
    "text", ["Ann", "\u2764\ufe0f", "\U0001f469\u200d\U0001f373", "\u0645\u200c\u06cc"]
)
def test_invisible_characters_inside_a_name_stay(text: str) -> None:
    """Emoji and scripts need them."""
    assert UserDraft.of(name=text).name == text


@pytest.mark.parametrize(
    "separator", ["\n", "\r\n", "\t", "\u2028", "\u2029", "\x85", "\x00", "\x0b"]
)
def test_text_in_one_line_has_a_space_for_each_separator(separator: str) -> None:
    text = f"{separator}Ann{separator}Lee{separator}"
    assert UserDraft.of(name=text).name == "Ann Lee"
    changes = EventChanges.of(title=text, location=text)
    assert (changes.title, changes.location) == ("Ann Lee", "Ann Lee")


def test_text_in_lines_keeps_newlines_and_tabs_and_no_other_controls() -> None:
    """In JSON a control character takes six bytes."""
    text = "one\r\ntwo\x00\x1b\u2028three\x0bfour\tfive\x9f" + "\x07" * 2_000
    kept = "one\ntwo\nthree\nfour\tfive"
    assert AnnouncementDraft.of(text=text, audience=Audience.EVERYONE).text == kept
    assert EventChanges.of(description=text).description == kept
    assert Removal.of(reason=text).reason == kept


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://example.org",
        "HTTPS://Example.org/Meet",
        "https://meet.example.org:8443/a_b-c~d/?id=1&pass=x%20y#room",
        "https://[2001:db8::1]/room",
        "https://müller.example/räume",
        f"https://{'x' * (MAX_JOIN_LINK_LENGTH - 8)}",
    ],
)
def test_join_link_is_kept_as_typed(link: str) -> None:
    """R12.2."""
    assert EventChanges.of(join_link=f" {link} ").join_link == link


@pytest.mark.parametrize(
    "link",
    [
        "example.org",
        "http://example.org",
        "javascript:alert(1)",
        "https://",
        "https:///room",
        "https://:443/room",
        "https://example.org:port",
        "https://example.org:0",
        "https://[nothing",
        "https://example.org/a room",
        "https://example.org/a\nroom",
        "https://example.org/\u200broom",
        "https://example.org/<!channel>",
        "https://example.org/|room",
        "https://example.org@other.example",
        *(f"https://example.org/{text}x" for text in INVISIBLE.values()),
    ],
)
def test_join_link_that_is_no_https_address_is_refused(link: str) -> None:
    """R12.2: a user name in it could pass for another host."""
    with pytest.raises(Invalid) as refusal:
        EventChanges.of(join_link=link)
    assert refusal.value.field == "join_link"
    assert "https://" in refusal.value.reason
