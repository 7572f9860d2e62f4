"""Finding events by their titles (R8.1)."""

from __future__ import annotations

import sys
import unicodedata
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.inputs import MAX_TITLE_LENGTH
from domain.models import ListedEvent
from domain.search import FoundEvents, find_events
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


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_each_title_is_found_by_itself(title: str) -> None:
    (event,) = titled(title)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert find_events(unicodedata.normalize(form, title), [event]).matches == (event,)


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


def calls(text: str, titles: list[str]) -> int:
    """Return how many functions are called, Python's own ones included, to find events."""
    events = titled(*titles)
    count = 0

    def called(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        find_events(text, events)
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
