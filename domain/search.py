"""Search for events by id or by a part of the title (R8.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from domain.models import ListedEvent, UserRegistration

MAX_SUGGESTIONS = 3
"""The most titles that are suggested if none matches."""

MIN_SIMILARITY = 0.4
"""The least similarity, from 0 to 1, of a title that is suggested."""


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """The events that match, ordered by start. If none does: those with similar titles, best first."""

    matches: tuple[ListedEvent, ...]
    suggestions: tuple[ListedEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundRegistrations:
    """The registrations of one user whose events match, or have similar titles."""

    matches: tuple[UserRegistration, ...]
    suggestions: tuple[UserRegistration, ...] = ()


def find_registrations(text: str, registrations: Iterable[UserRegistration]) -> FoundRegistrations:
    """Return the registrations whose event has this id or a title that contains the text."""
    by_event = {one.event.event_id: one for one in registrations}
    if text in by_event:
        return FoundRegistrations((by_event[text],))
    found = find_events(text, (ListedEvent.of(one.event) for one in by_event.values()))
    return FoundRegistrations(
        tuple(by_event[event.event_id] for event in found.matches),
        tuple(by_event[event.event_id] for event in found.suggestions),
    )


def find_events(text: str, events: Iterable[ListedEvent]) -> FoundEvents:
    """Return the events whose title contains the text, without regard to case and spacing."""
    wanted = _normalized(text)
    events = tuple(events)
    matches = tuple(event for event in events if wanted in _normalized(event.title))
    exact = tuple(event for event in matches if _normalized(event.title) == wanted)
    if matches:
        return FoundEvents(exact if len(exact) == 1 else matches)
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    similar: list[tuple[float, ListedEvent]] = []
    for event in events:
        matcher.set_seq1(_normalized(event.title)[: 2 * len(wanted) + 20])
        if matcher.quick_ratio() >= MIN_SIMILARITY and (ratio := matcher.ratio()) >= MIN_SIMILARITY:
            similar.append((ratio, event))
    similar.sort(key=lambda scored: -scored[0])
    return FoundEvents((), tuple(event for _, event in similar[:MAX_SUGGESTIONS]))


def _normalized(text: str) -> str:
    return " ".join(text.casefold().split())
