"""Faults of replies and acknowledgements that are put back (R8.12)."""

from __future__ import annotations

import pytest

from bot.slack import request_budget, web_client
from bot.slack.kept_replies import KeptReplies
from bot.slack.reply_sender import PendingReply, ReplySender, _Delivery
from tests.support.simulation import process
from tests.support.simulation.fault import Fault
from tests.support.simulation.scheduler import ProcessClock
from tests.support.simulation.world import World


def _replies_before_the_acknowledgement(patch: pytest.MonkeyPatch, _: World) -> None:
    """Acknowledge a request only once Slack has taken its reply."""

    def send(sender: ReplySender, reply: PendingReply, *, received_at: float | None = None) -> None:
        begun = sender.receipt() if received_at is None else received_at
        delivery = _Delivery(reply, sender._patient_client, sender._clock, sender._jitter, begun)
        while (pause := delivery()) is not None:
            sender._clock.sleep(pause)

    patch.setattr(ReplySender, "send", send)


def _replies_sent_once(patch: pytest.MonkeyPatch, _: World) -> None:
    """Give a reply up once Slack does not take it."""
    attempt = _Delivery.__call__

    def attempt_once(delivery: _Delivery) -> None:
        attempt(delivery)

    patch.setattr(_Delivery, "__call__", attempt_once)


def _replies_not_kept(patch: pytest.MonkeyPatch, _: World) -> None:
    """Drop a reply that Slack does not take in the request's time."""
    patch.setattr(KeptReplies, "keep", lambda *_: None)


def _time_outs_add_up(patch: pytest.MonkeyPatch, _: World) -> None:
    """Give each call of a request a time-out of its own."""
    patch.setattr(request_budget, "received_at", lambda: None)
    patch.setattr(web_client, "seconds_left", lambda: None)


def _budget_from_the_start(patch: pytest.MonkeyPatch, world: World) -> None:
    """Count a request's time from its start: neither a thread that was awaited nor a cold start counts."""
    received = request_budget.request_received

    def received_now(_: float, clock: ProcessClock) -> object:
        return received(clock.monotonic(), clock)

    patch.setattr(request_budget, "request_received", received_now)
    patch.setattr(process, "request_received", received_now)


FAULTS: dict[str, Fault] = {
    "replies before the acknowledgement": Fault("item 4", _replies_before_the_acknowledgement),
    "replies sent once": Fault("item 4", _replies_sent_once),
    "replies not kept": Fault("item 4", _replies_not_kept),
    "time-outs that add up": Fault("item 4", _time_outs_add_up),
    "a budget from the start of the work": Fault("item 4", _budget_from_the_start),
}
