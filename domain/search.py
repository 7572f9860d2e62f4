"""Search for events by id or by a part of the title (R8.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from domain.inputs import MAX_TITLE_LENGTH
from domain.models import ListedEvent, UserRegistration

MAX_SUGGESTIONS = 3
"""The most titles that are suggested if none matches."""

MIN_SIMILARITY = 0.6
"""The least similarity, from 0 to 1, of a title that is suggested."""

MAX_COMPARED = 100
"""The most titles that are compared letter by letter: those that share the most letters with the text."""

MIN_LENGTH_FOR_TYPO = 3
"""The length of the shortest word in which a typo is forgiven."""

_SINGLE_QUOTES = (
    "\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u00b4\u1ffd`"
    "\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u05f3\u275b\u275c"
)
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u02ba\u02ee\u05f4\u275d\u275e\u301d\u301e\u301f"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u02d7\u05be\u2e3a\u2e3b"
_ALIKE = str.maketrans(
    dict.fromkeys(_SINGLE_QUOTES, "'")
    | dict.fromkeys(_DOUBLE_QUOTES, '"')
    | dict.fromkeys(_DASHES, "-")
)

_NOT_SHOWN = re.compile(
    r"[\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0000-\U000e0fff]"
)
"""Soft hyphens, joiners, marks of direction, variation selectors and tags."""

_EMOJI_LIKE_TEXT = re.compile(
    "[\u203c\u2049\u2122\u2139\u2194\u24c2\u2934\u2935\u3030\u3297\u3299]\ufe0f|[\U0001f200-\U0001f251]"
)
"""Emoji that normalizing would make letters and marks of. Most are emoji only with a variation selector."""

_EMOJI_CODE = re.compile(r":[a-z+_-][\w+'-]*:|[#*0-9]\u20e3")
"""A code such as `:tada:`, or a keycap."""

_EMOJI_PARTS = frozenset("\u25fd\u25fe\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""Skin tones and the squares that Unicode counts as mathematical."""


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """The events that match, ordered by start. If none does: those with similar titles, best first."""

    matches: tuple[ListedEvent, ...]
    suggestions: tuple[ListedEvent, ...] = ()
    is_exact: bool = False
    """Whether one of the matches has this id, or exactly this title."""

    def first_ids(self, most: int) -> list[str]:
        """Return the ids of the first matches, or of the suggestions if nothing matches."""
        return [one.event_id for one in (self.matches or self.suggestions)[:most]]

    def or_suggested(self, others: Iterable[ListedEvent]) -> FoundEvents:
        """Return these events, and others as suggestions where there is room for them."""
        by_id = {one.event_id: one for one in (*self.suggestions, *others)}
        return FoundEvents(self.matches, tuple(by_id.values())[:MAX_SUGGESTIONS])


@dataclass(frozen=True, slots=True)
class FoundRegistrations:
    """The registrations of one user whose events match, or have similar titles."""

    matches: tuple[UserRegistration, ...]
    suggestions: tuple[UserRegistration, ...] = ()
    is_exact: bool = False
    """See `FoundEvents.is_exact`."""


def find_registrations(text: str, registrations: Iterable[UserRegistration]) -> FoundRegistrations:
    """Return the registrations whose event has this id, or those that `find_events` finds."""
    by_event = {one.event.event_id: one for one in registrations}
    if text in by_event:
        return FoundRegistrations((by_event[text],), is_exact=True)
    found = find_events(text, (ListedEvent.of(one.event) for one in by_event.values()))
    return FoundRegistrations(
        tuple(by_event[event.event_id] for event in found.matches),
        tuple(by_event[event.event_id] for event in found.suggestions),
        found.is_exact,
    )


def find_events(text: str, events: Iterable[ListedEvent]) -> FoundEvents:
    """Return the events whose title contains the text, or else all of its words in any order.

    Case, spacing, emoji, and the forms of letters, quotes and dashes make no difference (R8.1). A title with a
    typo is only suggested. A text that is longer than titles, also without repeated words, must be contained.
    """
    wanted, titles = _normalized(text, events)
    matches = tuple(event for event, title in titles if wanted in title)
    exact = tuple(event for event, title in titles if title == wanted)
    if len(exact) == 1:
        return FoundEvents(exact, is_exact=True)
    words = _different_words(wanted)
    if matches or not words:
        return FoundEvents(matches, is_exact=bool(exact))
    matches = tuple(event for event, title in titles if _has_words(title, words, str.startswith))
    return FoundEvents(matches, () if matches else _suggestions(wanted, words, titles))


def find_all_matching(text: str, events: Iterable[ListedEvent]) -> tuple[ListedEvent, ...]:
    """Return each event that `find_events` would find if it were the only one."""
    wanted, titles = _normalized(text, events)
    words = _different_words(wanted)
    return tuple(
        event
        for event, title in titles
        if wanted in title or (words and _has_words(title, words, str.startswith))
    )


def _normalized(
    text: str, events: Iterable[ListedEvent]
) -> tuple[str, list[tuple[ListedEvent, str]]]:
    normalized = without_emoji if without_emoji(text) else comparable_title
    return normalized(text), [(event, normalized(event.title)) for event in events]


def _different_words(wanted: str) -> tuple[str, ...]:
    """Return the words to look for, or none if they are longer than titles."""
    words = tuple(dict.fromkeys(wanted.split()))
    return words if len(" ".join(words)) <= MAX_TITLE_LENGTH else ()


def is_same_title(text: str, title: str) -> bool:
    """Return whether the text is the whole title, apart from what makes no difference in `find_events`."""
    normalized = without_emoji if without_emoji(title) else comparable_title
    return normalized(text) == normalized(title)


def _suggestions(
    wanted: str, words: Sequence[str], titles: Sequence[tuple[ListedEvent, str]]
) -> tuple[ListedEvent, ...]:
    """Return the events with at most one typo a word first, then those with the most similar titles."""
    if len(wanted) > MAX_TITLE_LENGTH:
        wanted = " ".join(words)
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    starts = [title[: 2 * len(wanted) + 20] for _, title in titles]
    likely: list[tuple[bool, float, int]] = []
    for number, (_, title) in enumerate(titles):
        is_typo = _has_words(title, words, _is_within_a_typo)
        matcher.set_seq1(starts[number])
        at_most = matcher.quick_ratio()
        if is_typo or at_most >= MIN_SIMILARITY:
            likely.append((not is_typo, -at_most, number))
    similar: list[tuple[bool, float, int]] = []
    for is_other, _, number in sorted(likely)[:MAX_COMPARED]:
        matcher.set_seq1(starts[number])
        ratio = matcher.ratio()
        if not is_other or ratio >= MIN_SIMILARITY:
            similar.append((is_other, -ratio, number))
    return tuple(titles[number][0] for *_, number in sorted(similar)[:MAX_SUGGESTIONS])


def _has_words(title: str, wanted: Sequence[str], is_alike: Callable[[str, str], bool]) -> bool:
    words = title.split()
    return all(any(is_alike(word, typed) for word in words) for typed in wanted)


def _is_within_a_typo(word: str, typed: str) -> bool:
    """Return whether at most one letter is missing, added or wrong, or two neighbors are swapped."""
    if word == typed:
        return True
    if min(len(word), len(typed)) < MIN_LENGTH_FOR_TYPO:
        return False
    pairs = enumerate(zip(word, typed, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(word), len(typed)))
    one, other = word[same:], typed[same:]
    is_swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return is_swapped or other in (one[1:], other[:1] + one[1:], other[:1] + one)


def without_emoji(text: str) -> str:
    """Return a comparable title without emoji, which Slack sends as codes from some places, as typed from others."""
    title = _EMOJI_CODE.sub(" ", comparable_title(_EMOJI_LIKE_TEXT.sub(" ", text)))
    return " ".join("".join(" " if _is_emoji(one) else one for one in title).split())


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in _EMOJI_PARTS


def comparable_title(text: str) -> str:
    """Return a title without differences of case, spacing, and the forms of letters, quotes and dashes."""
    shown = _NOT_SHOWN.sub("", text).strip() or text
    # Before they are normalized, too: that makes two characters of an acute accent and of a double prime.
    folded = unicodedata.normalize("NFKC", shown.translate(_ALIKE)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).translate(_ALIKE).split())
