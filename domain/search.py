"""Finding events by what people type: an id, or a part of a title (R8.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from domain.models import ListedEvent, UserRegistration

NEAREST = 3
"""How many titles are offered where none fits."""

ALIKE = 0.4
"""From which similarity (0 to 1) on a title is offered at all."""


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """The events that fit, by start; with none, those whose titles come nearest, the best first."""

    fitting: tuple[ListedEvent, ...]
    nearest: tuple[ListedEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundRegistrations:
    """As `FoundEvents`, among one user's registrations."""

    fitting: tuple[UserRegistration, ...]
    nearest: tuple[UserRegistration, ...] = ()


def find_registrations(text: str, registrations: Iterable[UserRegistration]) -> FoundRegistrations:
    """Return the registrations whose event has this id, or the text in its title, as `find` does."""
    own = {one.event.event_id: one for one in registrations}
    if text in own:
        return FoundRegistrations((own[text],))
    found = find(text, (ListedEvent.of(one.event) for one in own.values()))
    return FoundRegistrations(
        tuple(own[event.event_id] for event in found.fitting),
        tuple(own[event.event_id] for event in found.nearest),
    )


def find(text: str, events: Iterable[ListedEvent]) -> FoundEvents:
    """Return the events whose title has the text in it; upper and lower case and spacing are one."""
    wanted = _plain(text)
    events = tuple(events)
    fitting = tuple(event for event in events if wanted in _plain(event.title))
    exact = tuple(event for event in fitting if _plain(event.title) == wanted)
    if fitting:
        return FoundEvents(exact if len(exact) == 1 else fitting)
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    likeness: list[tuple[float, ListedEvent]] = []
    for event in events:
        matcher.set_seq1(_plain(event.title)[: 2 * len(wanted) + 20])
        if matcher.quick_ratio() >= ALIKE and (ratio := matcher.ratio()) >= ALIKE:
            likeness.append((ratio, event))
    likeness.sort(key=lambda scored: -scored[0])
    return FoundEvents((), tuple(event for _, event in likeness[:NEAREST]))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
