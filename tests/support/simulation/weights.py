"""What one seed draws for itself: how many take part, and how often what goes wrong (swarm testing)."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

BUSY_SECONDS = 120.0
"""How long people act, and faults happen: half as long where they are in a hurry."""

HURRY = 0.3
"""The longest pause of a person in a hurry, in seconds."""

RUSH_SECONDS = 20.0
"""How long people act in a rush: they press as often as in two minutes without one."""

MEMBERS_OF_SERIES = 7

SERIES_SECONDS = 112.0
"""How long people act on all days together: see `tests.support.simulation.nights`."""

RUSHES = 0.6
"""Of the worlds on Lambda: those with a rush for one event, which has a queue then (R14)."""

SERIES = 0.12
"""Of the worlds: those with a series in place of other events (R13)."""

FAULTS: dict[str, float | tuple[float, ...]] = {
    "conflicts": 0.2,
    "unanswered": 0.15,
    "silent": 0.8,
    "unreadable": 0.15,
    "crashes": 0.003,
    "hangs": 0.003,
    "slack_down": 0.2,
    "slack_limited": 0.1,
    "slack_unanswered": 0.2,
    "apart": 600.0,
    "drift": 0.0005,
    "jumps": (60.0, 7200.0),
    "store_outage": 120.0,
    "slack_outage": 120.0,
    "index_lag": (0.5, 1.9),
    "store_full": 12.0,
    "thread_failures": 0.6,
    "small_limits": (1.0,),
    "second_presses": 0.3,
    "user_deletions": 0.1,
    "leaving": 0.05,
    "piece_seconds": (9.0,),
}
"""Kinds of faults, and of acts at a bad moment, each a field of `Weights`: its largest value, or its values."""

SLOWING = (
    *(
        "unanswered",
        "silent",
        "unreadable",
        "crashes",
        "hangs",
        "slack_down",
        "slack_limited",
        "slack_unanswered",
    ),
    *("store_outage", "slack_outage", "store_full", "thread_failures"),
)
"""Kinds of faults that keep messages from being sent at once."""

SHARES = (0.0, 0.1, 0.3, 0.6, 0.9)
"""How many of the kinds a world has. In one with few, a fault that others hide can be found."""


@dataclass(frozen=True)
class Weights:
    """One seed's world. Probabilities are per call of a port, or per act; seconds are virtual."""

    is_on_lambda: bool
    """Whether functions serve, which stand still between their invocations, or processes that stay."""
    processes: int
    members: int
    events: int
    busy_seconds: float
    store_seconds: float
    """The longest way of a request to the store, and of its answer back."""
    slack_seconds: float
    pause: float
    """The longest pause between two actions of a person, in seconds."""
    page_rows: int
    """The most rows that a read without a limit returns at once."""
    programs: int
    """How many use the HTTP API, where processes stay."""
    exporting: float
    """The probability that an organizer exports in place of another action."""
    concurrency: int
    """How many functions may run at the same time: few don't wait in queues (R14)."""
    piece_bytes: int
    """The size of a piece of a file, as Slack takes it. Files are as small as the events, and stand for large ones."""
    series: int = 0
    """How many series there are (R13). With one, there are no other events than its occurrences."""
    index_lag: float = 0.0
    conflicts: float = 0.0
    unanswered: float = 0.0
    """Of writes: a third of them was applied, and a third will be."""
    silent: float = 0.0
    """Of the lost answers: the sender waits for them until its time-out, as if the store stood still."""
    unreadable: float = 0.0
    crashes: float = 0.0
    hangs: float = 0.0
    """Of processes that stay, for at most `HANG` seconds: their machine sleeps, or has no time for them."""
    slack_down: float = 0.0
    slack_limited: float = 0.0
    slack_unanswered: float = 0.0
    """The message is there, but its answer is lost."""
    apart: float = 0.0
    """Seconds that wall clocks may differ from the true time."""
    drift: float = 0.0
    jumps: float = 0.0
    """The largest jump of a wall clock, in seconds. 0: none."""
    store_outage: float = 0.0
    """Seconds for which the store answers nothing, once. 0: never."""
    slack_outage: float = 0.0
    store_full: float = 0.0
    """Seconds for which the store takes no writes, once, and says that its operator must act. 0: never.

    Less than a lease lasts: the process that sent a message is the one that goes on, and knows it."""
    thread_failures: float = 0.0
    """Of the starts of threads, in processes that stay."""
    small_limits: float = 0.0
    """Above 0, pages and the steps of long operations are small: see `tests.support.simulation.limits`."""
    second_presses: float = 0.0
    user_deletions: float = 0.0
    leaving: float = 0.0
    """The probability that an organizer leaves before an action."""
    piece_seconds: float = 0.0
    """The longest that Slack takes for a piece of a file. 0: it takes files at once."""

    @property
    def is_undisturbed(self) -> bool:
        """Whether processes that stay work without a fault, on a Slack and a store that are fast."""
        is_fast = self.slack_seconds <= 0.05 and self.store_seconds <= 0.02 and self.pause >= 3.0
        return is_fast and not self.is_on_lambda and not self.is_slowed

    @property
    def is_slowed(self) -> bool:
        """Whether anything fails that keeps messages from being sent at once."""
        return any(getattr(self, kind) for kind in SLOWING)

    @classmethod
    def drawn(cls, seed: int) -> Weights:
        """Draw a world. Each kind has its own dice: whatever is left out, the others stay as they are."""
        dice = random.Random(f"{seed} world")
        share = dice.choice(SHARES)
        pause = dice.choice([HURRY, 3.0, 20.0])
        weights = cls(
            is_on_lambda=dice.random() < 0.25,
            processes=dice.randint(1, 4),
            members=dice.randint(3, 12),
            events=dice.randint(1, 3),
            busy_seconds=BUSY_SECONDS / 2 if pause == HURRY else BUSY_SECONDS,
            store_seconds=dice.choice([0.005, 0.02, 0.3]),
            slack_seconds=dice.choice([0.05, 0.3, 3.0]),
            page_rows=dice.choice([3, 1000]),
            programs=dice.choice([0, 1, 2]),
            exporting=dice.choice([0.0, 0.1, 0.3]),
            concurrency=random.Random(f"{seed} concurrency").choice([10, 200, 1000]),
            piece_bytes=dice.choice([8, 24, 64]),
            series=0,
            pause=pause,
            **{
                kind: _drawn(most, random.Random(f"{seed} {kind}"), share)
                for kind, most in FAULTS.items()
            },
        )
        has_rush = weights.is_on_lambda and random.Random(f"{seed} rush").random() < RUSHES
        if has_rush:
            return weights.with_rush()
        has_series = random.Random(f"{seed} weeks").random() < SERIES
        return weights.with_series() if has_series else weights

    def with_rush(self) -> Weights:
        """Return the world with many who press for one event at once, for a short time."""
        return replace(
            self,
            events=1,
            members=12,
            pause=HURRY,
            busy_seconds=RUSH_SECONDS,
            store_seconds=0.05,
            slack_seconds=0.3,
        )

    def with_series(self) -> Weights:
        """Return the world with a series, through some weeks."""
        return replace(
            self,
            series=1,
            events=0,
            programs=0,
            exporting=0.0,
            piece_seconds=0.0,
            members=min(self.members, MEMBERS_OF_SERIES),
            pause=max(1.0, min(self.pause, 3.0)),
            busy_seconds=SERIES_SECONDS,
        )

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of faults that this world has."""
        return tuple(kind for kind in FAULTS if getattr(self, kind))


def _drawn(most: float | tuple[float, ...], dice: random.Random, share: float) -> float:
    if dice.random() >= share:
        return 0.0
    return dice.random() * most if isinstance(most, float) else dice.choice(most)


Step: TypeAlias = tuple[str, str | float]
"""One override: the field, and its value or the kind that is left out."""


@dataclass(frozen=True)
class Overrides:
    """What is left out of a seed's world. The rest is drawn as ever."""

    without: tuple[str, ...] = ()
    """Kinds of faults."""
    members: int | None = None
    events: int | None = None
    processes: int | None = None
    seconds: float | None = None
    """How long people act, and faults happen."""

    def of(self, weights: Weights) -> Weights:
        """Return the weights of a smaller world. No override makes it larger. Raises `ValueError`."""
        unknown = set(self.without) - set(FAULTS)
        if unknown:
            raise ValueError(f"no kinds of faults: {', '.join(sorted(unknown))}")
        absent: dict[str, Any] = dict.fromkeys(self.without, 0.0)
        return replace(
            weights,
            members=min(weights.members, self.members or weights.members),
            events=min(weights.events, self.events or weights.events),
            processes=min(weights.processes, self.processes or weights.processes),
            busy_seconds=min(weights.busy_seconds, self.seconds or weights.busy_seconds),
            **absent,
        )

    def command(self, seed: int) -> str:
        """Return the command that runs the seed this way."""
        words = [f"make simulate SEEDS=1 FIRST={seed}"]
        if self.without:
            words.append(f'WITHOUT="{" ".join(self.without)}"')
        for name in ("members", "events", "processes", "seconds"):
            value = getattr(self, name)
            if value is not None:
                words.append(f"{name.upper()}={value:g}")
        return " ".join(words)

    def steps(self, weights: Weights) -> list[Step]:
        """Return what can be tried to make a world smaller, one by one: first what makes its run shorter."""
        now = self.of(weights)
        steps: list[Step] = [("seconds", now.busy_seconds / share) for share in (8, 4, 2)]
        for name in ("members", "events", "processes"):
            steps += [(name, number) for number in range(1, getattr(now, name))]
        return steps + [("without", kind) for kind in now.kinds()]

    def is_smaller(self, step: Step) -> bool:
        """Return whether a step leaves out more than these overrides do."""
        name, value = step
        present = getattr(self, name)
        return name == "without" or present is None or value < present

    def taking(self, step: Step) -> Overrides:
        """Return these overrides and one more."""
        name, value = step
        changes: dict[str, Any] = {name: value}
        if name == "without":
            changes = {name: (*self.without, value)}
        return replace(self, **changes)
