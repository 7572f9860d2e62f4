"""The figures of a rush on AWS Lambda with the request queue (R14), and without it.

Each is of three seeds: medians and costs are their median, the others the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median

from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.queue_functions import Design
from tests.benchmarks.queue_model import Result, Rush, simulate

SEEDS = (1, 2, 3)

WARM, COLD = Rush(), Rush(started=0)
SMALL = Rush(50, 2.0, concurrency=10, started=10)
"""In a new AWS account, whose quota of concurrency is 10."""


@dataclass(frozen=True)
class Case:
    """A rush, and the targets of its figures with the queue. `is_priced` asks for what it costs, too."""

    rush: Rush
    p99: float | None = None
    asked_to_wait: int | None = None
    turned_away: int | None = None
    is_priced: bool = False


CASES: Mapping[str, Case] = {
    "5,000 in 10 s, warm": Case(WARM, p99=2.0, asked_to_wait=0, turned_away=0, is_priced=True),
    "5,000 in 10 s, cold": Case(COLD, p99=3.0, turned_away=0, is_priced=True),
    "500 in 10 s, warm": Case(Rush(500), p99=2.0, asked_to_wait=0, turned_away=0),
    "500 in 10 s, cold": Case(Rush(500, started=0), p99=3.0, turned_away=0),
    "50 in 2 s, quota of 10, warm": Case(SMALL, turned_away=0),
    "50 in 2 s, quota of 10, 4 warm": Case(replace(SMALL, started=4), turned_away=0),
    # A function takes as long to start as the presses last.
    "50 in 2 s, quota of 10, cold": Case(replace(SMALL, started=0)),
}

_ONE_BY_ONE = Design(replies_together=1)
_SILENT = Design(says_to_wait=False)

VARIATIONS: Mapping[str, tuple[Rush, Design]] = {
    "planning after each commit": (WARM, Design(plans_ahead=False)),
    "one slot for results": (WARM, Design(slots=1)),
    "replies sent by the consumer": (WARM, Design(replies_apart=False)),
    "all three": (WARM, Design(plans_ahead=False, slots=1, replies_apart=False)),
    "results written two requests at a time": (WARM, Design(writes_together=2)),
    "Slack takes a reply in 60 ms": (Rush(reply=0.06), Design()),
    "Slack takes a reply in 250 ms": (Rush(reply=0.25), Design()),
    "Slack takes a reply in 500 ms": (Rush(reply=0.5), Design()),
    "Slack takes a reply in 1 s": (Rush(reply=1.0), Design()),
    "cold, starts in 1.0 to 1.5 s": (Rush(started=0, cold_start=(1.0, 1.5)), Design()),
    "cold, replies sent one by one": (COLD, _ONE_BY_ONE),
    "cold, no message before the acknowledgement": (COLD, _SILENT),
}
"""What changes with one part of the queue or one assumption: of 5,000 presses in 10 s, if nothing else is said."""


def figures() -> Iterator[Figure]:
    """Yield the figures of each rush, with the queue and without, and of the variations."""
    for name, case in CASES.items():
        without = Case(case.rush, is_priced=case.is_priced)
        yield from _figures_of(f"{name}, queue", Results(case.rush, Design()), case)
        yield from _figures_of(f"{name}, no queue", Results(case.rush, None), without)
    for name, (rush, design) in VARIATIONS.items():
        yield from _figures_of(name, Results(rush, design), Case(rush))


class Results:
    """The results of a rush, one for each seed."""

    def __init__(self, rush: Rush, design: Design | None) -> None:
        self._results = [simulate(rush, design, seed=seed) for seed in SEEDS]

    def median(self, value: Callable[[Result], float]) -> float:
        """Return the median of a value."""
        return median(map(value, self._results))

    def worst(self, value: Callable[[Result], float]) -> float:
        """Return the highest of a value."""
        return max(map(value, self._results))


def _figures_of(name: str, results: Results, case: Case) -> Iterator[Figure]:
    yield Figure(f"{name}: median", results.median(_median), "s")
    yield Figure(f"{name}: 99th percentile", results.worst(_p99), "s", at_most=case.p99)
    turned_away = results.worst(lambda result: result.turned_away)
    yield Figure(f"{name}: turned away", turned_away, at_most=case.turned_away)
    asked_to_wait = results.worst(lambda result: result.asked_to_wait)
    if asked_to_wait or case.asked_to_wait is not None:
        yield Figure(f"{name}: asked to wait", asked_to_wait, at_most=case.asked_to_wait)
    if late_replies := results.worst(_late_replies):
        yield Figure(f"{name}: late replies, 99th percentile", late_replies, "s")
    if case.is_priced:
        yield from _costs_of(name, results)


def _costs_of(name: str, results: Results) -> Iterator[Figure]:
    overtaken = results.worst(lambda result: result.overtaken)
    yield Figure(f"{name}: decided later than a later press by up to", overtaken, "s")
    refused = results.worst(lambda result: result.throttled)
    yield Figure(f"{name}: refused by Lambda", refused)
    transactions = results.median(lambda result: result.database.ends.total())
    yield Figure(f"{name}: transactions", transactions)
    writes = results.median(lambda result: result.database.units["write"])
    yield Figure(f"{name}: write units", writes)
    yield Figure(f"{name}: read units", results.median(lambda result: result.read_units))
    invocations = results.median(lambda result: result.account.invocations)
    yield Figure(f"{name}: invocations", invocations)
    yield Figure(f"{name}: GB-seconds", results.median(lambda result: result.gb_seconds))
    yield Figure(f"{name}: cost", results.median(lambda result: result.dollars), "dollars")


def _median(result: Result) -> float:
    return percentile(result.acknowledged, 50)


def _p99(result: Result) -> float:
    return percentile(result.acknowledged, 99)


def _late_replies(result: Result) -> float:
    return percentile(result.log.late_replies, 99) if result.log.late_replies else 0
