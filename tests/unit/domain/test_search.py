"""Finding events by their titles (R8.1)."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inputs import MAX_TITLE_LENGTH
from domain.models import ListedEvent
from domain.search import (
    FoundEvents,
    comparable_title,
    find_all_matching,
    find_events,
    is_same_title,
    without_emoji,
)
from tests.support.builders import an_event

YOGA = ListedEvent.of(an_event(event_id="yoga", title="Yoga in the Park"))


def titled(*titles: str) -> list[ListedEvent]:
    return [with_title(number, title) for number, title in enumerate(titles)]


def with_title(number: int, title: str) -> ListedEvent:
    return ListedEvent.of(an_event(event_id=f"e{number}", title=title))


def found(text: str, *titles: str) -> list[str]:
    return [event.title for event in find_events(text, titled(*titles)).matches]


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("park yoga", "Yoga in the Park"),
        ("mother's day", "Mother\u2019s Day"),
        ("\u201cgo\u201d night", '"Go" Night'),
        ("q&a - part 2", "Q&A \u2013 Part 2"),
        ("cafe\u0301", "Café"),
        ("movie\u00a0night", "Movie Night"),
        (":tada: party", "\U0001f389 Party"),
        ("party", ":tada: Party :tada:"),
        ("\U0001f389", "\U0001f389 Party"),
        ("run 10k", "10K Run"),
        ("stra\u00dfe", "STRASSE"),
        ("new year's eve", "New Year\u00b4s Eve"),
        ('7" single', "7\u2033 Single"),
        ("coffee", "Cof\u00adfee"),
        ("team call", "\u2066Team\u2069 call"),
        ("\u2194\ufe0f swap", ":left_right_arrow: Swap"),
        ("\u25fe square", ":black_medium_small_square: Square"),
        ("1\ufe0f\u20e3 sprint", ":one: Sprint"),
        ("last call \u203c\ufe0f", "Last Call :bangbang:"),
        ("\u3299\ufe0f santa", ":secret: Santa"),
        ("\U0001f201 friends", ":koko: Friends"),
        (
            "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f trip",
            ":flag-scotland: Trip",
        ),
        ("\u2764\ufe0f", "\u2764"),
    ],
)
def test_title_is_found_however_it_is_typed(typed: str, title: str) -> None:
    assert found(typed, title, "Chess") == [title]


def test_one_equal_title_comes_before_those_that_contain_it() -> None:
    assert found("yoga", "Yoga", "Yoga for two") == ["Yoga"]


def test_title_that_contains_the_text_comes_before_one_with_its_words() -> None:
    assert found("park yoga", "Yoga in the Park", "Park yoga for all") == ["Park yoga for all"]


@pytest.mark.parametrize("typed", ["yoag", "yga", "yooga", "yoba", "parl yoga", "prak"])
def test_title_with_a_typo_is_only_suggested(typed: str) -> None:
    assert find_events(typed, [YOGA]) == FoundEvents((), (YOGA,))


@pytest.mark.parametrize("typed", ["ygao park", "chess", "zz"])
def test_more_than_a_typo_a_word_is_no_typo(typed: str) -> None:
    long = titled("Yoga in the Park with everybody who has ever been to one of our summer camps")
    assert find_events(typed, long) == FoundEvents((), ())


SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u2035\u00b4\u02bc\u2039\u203a\uff07`"
DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\u301d\u301e\uff02"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
ON_A_KEYBOARD = str.maketrans(
    dict.fromkeys(SINGLE_QUOTES, "'")
    | dict.fromkeys(DOUBLE_QUOTES, '"')
    | dict.fromkeys(DASHES, "-")
)

any_title = st.text(min_size=1, max_size=60).filter(str.strip)


@given(any_title)
def test_each_title_is_found_by_itself(title: str) -> None:
    (event,) = titled(title)
    for typed in (title, unicodedata.normalize("NFC", title), unicodedata.normalize("NFD", title)):
        assert find_events(typed, [event]).matches == (event,)
        assert is_same_title(typed, title)


@given(st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1).filter(str.strip))
def test_forms_of_letters_make_no_difference(title: str) -> None:
    (event,) = titled(title)
    for form in ("NFKC", "NFKD"):
        assert find_events(unicodedata.normalize(form, title), [event]).matches == (event,)


@given(st.text(st.sampled_from(f"aZ7 .{SINGLE_QUOTES}{DOUBLE_QUOTES}{DASHES}"), min_size=1))
def test_title_is_found_with_the_quotes_and_dashes_of_a_keyboard(title: str) -> None:
    typed = title.translate(ON_A_KEYBOARD)
    assert is_same_title(typed, title)
    (event,) = titled(title)
    assert find_events(typed, [event]).matches == (event,)


@given(
    any_title
    | st.text(
        st.sampled_from("1:at+ \u00b4\u0301\u00ad\u200d\ufe0f\u20e3\u2122\U0001f3fb\U0001f389")
    )
)
def test_normalizing_twice_is_normalizing_once(title: str) -> None:
    for normalized in (comparable_title, without_emoji):
        assert normalized(normalized(title)) == normalized(title)


@pytest.mark.parametrize("typed", ["\u200b", "\u00ad \u2060"])
def test_text_that_shows_nothing_finds_nothing(typed: str) -> None:
    """An empty text finds everything, and a single event that is found is registered for."""
    assert found("", YOGA.title) == [YOGA.title]
    assert found(typed, YOGA.title) == []


def test_whole_title_is_the_same_without_emoji_and_with_plain_quotes() -> None:
    assert is_same_title("1st new year's eve", "1st New Year\u00b4s Eve \u203c\ufe0f")
    assert not is_same_title("new year", "New Year\u00b4s Eve")


@given(
    st.lists(
        st.sampled_from(["yoga", "park", "night", "tea", "for", "two"]), min_size=1, max_size=6
    )
)
def test_order_of_words_makes_no_difference(words: list[str]) -> None:
    assert found(" ".join(reversed(words)), " ".join(words)) == [" ".join(words)]


# The work for a long text

SHORT = "Some event number {}"
LONG = "Some of us, and everyone who came to an event before, meet at number {} in the park for tea, chess and a walk"
ANAGRAMS = "ab " * 38 + "{}"


def calls(
    text: str,
    titles: list[str],
    find: Callable[[str, Iterable[ListedEvent]], object] = find_events,
) -> int:
    """Return how many functions are called, Python's own ones included, to find events."""
    events = titled(*titles)
    count = 0

    def called(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        find(text, events)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("title", [SHORT, LONG, ANAGRAMS], ids=["short", "long", "anagrams"])
@pytest.mark.parametrize(
    "text",
    [
        "somee " * 600,
        "event " * 500 + "zz",
        "bba " * 1_000,
        "".join(f"some{number} " for number in range(500)),
        "e" * 4_000,
    ],
    ids=["typo", "other word", "anagram", "many words", "one word"],
)
def test_long_text_costs_no_more_than_a_title(text: str, title: str) -> None:
    titles = [title.format(number) for number in range(100)]
    typed = titles[0].replace("1", "2").replace("m", "n").replace("a", "x", 1)
    assert calls(text, titles) < 3 * calls(typed, titles)


def test_long_text_is_normalized_once_for_all_that_match() -> None:
    titles = [SHORT.format(number) for number in range(100)]
    text = "somee " * 600
    assert calls(text, titles, find_all_matching) < 5 * calls("yoag", titles, find_all_matching)


@pytest.mark.parametrize(
    "text", ["yoga", "park yoga", "Yoga in the Park", "yoag", "", "yoga " * 99]
)
def test_all_that_match_are_those_that_would_be_found_alone(text: str) -> None:
    events = titled("Yoga in the Park", "Park yoga", "Yoga", "Chess")
    alone = tuple(event for event in events if find_events(text, [event]).matches)
    assert find_all_matching(text, events) == alone


def test_only_the_most_likely_titles_are_compared_letter_by_letter() -> None:
    few, many = ([f"{'ab ' * 9}{number}" for number in range(count)] for count in (150, 300))
    text = ("bba " * 9).strip()
    assert calls(text, many) < 1.5 * calls(text, few)


def test_repeated_words_of_a_long_text_count_once() -> None:
    text = "park yoga " * 100
    assert found(text, YOGA.title, "Chess") == [YOGA.title]
    assert find_events("yoag " * 100, [YOGA]) == FoundEvents((), (YOGA,))


@pytest.mark.parametrize("title", ["go " * 40, "\ufdfa" * MAX_TITLE_LENGTH])
def test_the_longest_title_is_found(title: str) -> None:
    """Also one with letters that are several in another form."""
    assert found(title, title, "Chess") == [title]
