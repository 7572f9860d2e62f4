"""The judge: looks for an order that explains all answers, with a constraint solver.

It does not know when an event starts, that its registration deadline passes, capacity increases of several commits,
and whether a user exists. Whoever writes a history down leaves out what depends on them, and ends it where they begin:
see `tests.support.second_checker.from_races` and `tests.support.simulation.history`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import z3

from tests.support.second_checker.encoding import Encoding
from tests.support.second_checker.history import History, Operation

MAX_SIZE = 3_000
"""The largest history that is tried. 40 operations have 100 to 800, more if more of them overlap."""

MAX_WORK = 5_000_000
"""The solver's own measure of its work after which it gives up, a second or two: it does not depend on the machine."""

TACTICS = ("simplify", "propagate-values", "solve-eqs", "bit-blast", "sat")
"""The solver's steps. A solver that can also explain takes twice as long, so it is asked only then."""


class Finding(StrEnum):
    """The verdicts of a judge on a history."""

    CONSISTENT = "consistent"
    INCONSISTENT = "inconsistent"
    TOO_LARGE = "too large"


@dataclass(frozen=True)
class Verdict:
    """The finding on one history. `contradicting`: operations whose answers can't all be true, if inconsistent."""

    finding: Finding
    contradicting: Sequence[Operation] = ()

    def __str__(self) -> str:
        """Return the verdict, with its reason."""
        if self.finding is not Finding.INCONSISTENT:
            return self.finding
        reasons = "\n".join(f"  {one}" for one in self.contradicting)
        return f"no order of the history explains these answers:\n{reasons}"


def judge(history: History) -> Verdict:
    """Judge a history."""
    encoding = Encoding(history)
    if encoding.size > MAX_SIZE:
        return Verdict(Finding.TOO_LARGE)
    text, answers = encoding.text(), encoding.answers()
    true = "\n".join(f"(assert {name})" for name in answers)
    found = _loaded(z3.Then(*TACTICS).solver(), text, true).check()
    if found == z3.unsat:
        return Verdict(Finding.INCONSISTENT, _contradicting(text, answers))
    return Verdict(Finding.CONSISTENT if found == z3.sat else Finding.TOO_LARGE)


def _contradicting(text: str, answers: Mapping[str, Operation]) -> list[Operation]:
    """Return as few operations as the solver finds whose answers contradict each other, by when they began."""
    solver = _loaded(z3.SolverFor("QF_FD"), text)
    solver.set("core.minimize", True)
    solver.check(*map(z3.Bool, answers))
    found = [answers[str(name)] for name in solver.unsat_core()]
    return sorted(found, key=lambda one: one.begin)


def _loaded(solver: z3.Solver, *constraints: str) -> z3.Solver:
    solver.set("rlimit", MAX_WORK)
    solver.from_string("\n".join(constraints))
    return solver
