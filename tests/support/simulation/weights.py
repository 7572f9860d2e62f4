"""What one seed draws for itself: how many take part, and how often what goes wrong (swarm testing)."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Weights:
    """One seed's world. Probabilities are per call of a port; seconds are virtual."""

    is_on_lambda: bool
    """Whether functions serve, which stand still between their invocations, or processes that stay."""
    processes: int
    members: int
    events: int
    store_seconds: float
    """The longest way of a request to the store, and of its answer back."""
    slack_seconds: float
    index_lag: float
    conflicts: float
    unanswered: float
    """Of writes: half of them were applied, some later."""
    unreadable: float
    crashes: float
    slack_down: float
    slack_limited: float
    slack_unanswered: float
    """The message is there, but its answer is lost."""
    apart: float
    """Seconds that wall clocks may differ from the true time."""
    drift: float
    jumps: float
    """The largest jump of a wall clock, in seconds. 0: none."""
    store_outage: float
    """Seconds for which the store answers nothing, once. 0: never."""
    slack_outage: float
    pause: float
    """The longest pause between two actions of a person, in seconds."""
    page_rows: int
    """The most rows that a read without a limit returns at once."""
    programs: int
    """How many use the HTTP API, where processes stay."""
    exporting: float
    """The probability that an organizer exports in place of another action."""
    leaving: float
    """The probability that an organizer leaves before an action."""
    piece_seconds: float
    """The longest that Slack takes for a piece of a file. 0: it takes files at once."""
    piece_bytes: int
    """The size of such a piece. Files are as small as the events, and stand for large ones."""

    @property
    def is_undisturbed(self) -> bool:
        """Whether processes that stay work without a fault, on a Slack and a store that are fast."""
        is_fast = self.slack_seconds <= 0.05 and self.store_seconds <= 0.02 and self.pause >= 3.0
        faults = (
            *(self.is_on_lambda, self.unanswered, self.unreadable, self.crashes),
            *(self.slack_down, self.slack_limited, self.slack_unanswered),
            *(self.store_outage, self.slack_outage),
        )
        return is_fast and not any(faults)

    @classmethod
    def drawn(cls, dice: random.Random) -> Weights:
        """Draw a world. Each kind of fault is absent from about half of all worlds."""

        def sometimes(most: float) -> float:
            return dice.random() * most if dice.random() < 0.5 else 0.0

        return cls(
            is_on_lambda=dice.random() < 0.25,
            processes=dice.randint(1, 4),
            members=dice.randint(3, 12),
            events=dice.randint(1, 3),
            store_seconds=dice.choice([0.005, 0.02, 0.3]),
            slack_seconds=dice.choice([0.05, 0.3, 3.0]),
            index_lag=dice.choice([0.0, 0.5, 1.9]),
            conflicts=sometimes(0.2),
            unanswered=sometimes(0.15),
            unreadable=sometimes(0.15),
            crashes=sometimes(0.003),
            slack_down=sometimes(0.2),
            slack_limited=sometimes(0.05),
            slack_unanswered=sometimes(0.2),
            apart=sometimes(600),
            drift=sometimes(0.0005),
            jumps=dice.choice([0.0, 0.0, 60.0, 7200.0]),
            store_outage=sometimes(120),
            slack_outage=sometimes(120),
            pause=dice.choice([0.3, 3.0, 20.0]),
            page_rows=dice.choice([3, 1000]),
            programs=dice.choice([0, 1, 2]),
            exporting=dice.choice([0.0, 0.1, 0.3]),
            leaving=sometimes(0.05),
            piece_seconds=dice.choice([0.0, 0.0, 9.0]),
            piece_bytes=dice.choice([8, 24, 64]),
        )
