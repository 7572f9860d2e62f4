"""Lookups of several members at once."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from bot.slack.member_directory import LOOKUPS_AT_A_TIME, at_once

USERS = [f"U{number}" for number in range(49)]


def test_results_are_in_the_order_of_the_users() -> None:
    assert at_once(str.lower, USERS) == [user_id.lower() for user_id in USERS]


def test_lookups_wait_for_each_other_only_beyond_the_limit() -> None:
    """Negative control of the time that 49 take: so many are under way together."""
    together = threading.Barrier(LOOKUPS_AT_A_TIME)
    at_once(lambda _: together.wait(10), USERS[:LOOKUPS_AT_A_TIME])


def test_threads_share_the_requests_context() -> None:
    receipt: ContextVar[str] = ContextVar("receipt", default="none")
    receipt.set("ours")
    assert set(at_once(lambda _: receipt.get(), USERS)) == {"ours"}


def test_lookups_go_one_by_one_if_no_thread_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)  # the system starts none
    assert at_once(str.lower, USERS) == [user_id.lower() for user_id in USERS]
