"""Moments: whole numbers that the solver chooses, each between a first and a last one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """A moment, as one truth value for each number that it may be at most: the solver is quick with these."""

    name: str
    first: int
    last: int

    def declarations(self) -> Iterator[str]:
        """Yield the declarations, and that a moment of at most k is one of at most k + 1."""
        for number in range(self.first, self.last):
            yield f"(declare-const {self.name}-by-{number} Bool)"
        for number in range(self.first, self.last - 1):
            yield f"(assert (=> {self.name}-by-{number} {self.name}-by-{number + 1}))"

    def is_at_most(self, number: int) -> str:
        """Return the term that the moment is at most this number."""
        if number >= self.last:
            return "true"
        return "false" if number < self.first else f"{self.name}-by-{number}"

    def is_at(self, number: int) -> str:
        """Return the term that the moment is this number."""
        return f"(and {self.is_at_most(number)} (not {self.is_at_most(number - 1)}))"

    def may_be(self, number: int) -> bool:
        """Return whether the moment may be this number."""
        return self.first <= number <= self.last

    def is_before(self, other: Moment) -> Iterator[str]:
        """Yield what makes the moment less than another."""
        return self._is_less(other, 1)

    def is_not_after(self, other: Moment) -> Iterator[str]:
        """Yield what makes the moment at most another."""
        return self._is_less(other, 0)

    def _is_less(self, other: Moment, by: int) -> Iterator[str]:
        for number in range(other.first, min(other.last, self.last + by - 1) + 1):
            yield f"(=> {other.is_at_most(number)} {self.is_at_most(number - by)})"

    def differs(self, other: Moment) -> Iterator[str]:
        """Yield what makes the moment another than another one."""
        for number in range(max(self.first, other.first), min(self.last, other.last) + 1):
            yield f"(not (and {self.is_at(number)} {other.is_at(number)}))"
