"""A second definition of who may change what, independent of the bot: from the payload and the stored state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.blocks.ids import ActionId, CallbackId
from domain.enums import RegistrationStatus
from domain.models import Event, Registration
from tests.support.fuzz.bot_over_http import State
from tests.support.slack.harness import AMARA

WORKSPACE = "T0PLAYGRND"
ADMINS = {AMARA}

COUNTED = {
    "version",
    "committed_at",
    "updated_at",
    "registered_count",
    "waitlist_count",
    "next_ticket",
    "waitlist_by_block",
}
"""The fields of an event that change when somebody registers or leaves."""

REGISTERS = {ActionId.REGISTER, ActionId.CHOOSE_TO_REGISTER, ActionId.ALL_OF_SERIES}
PRESSED_ON_CARDS = {ActionId.REGISTER, ActionId.UNREGISTER, ActionId.MANAGE, ActionId.GOING}
DEACTIVATED = "event user_change"
"""The one change that Slack makes itself, about the member in the event."""

EDITS = {
    *("title", "description", "location", "starts_at", "ends_at", "time_zone", "co_organizer_ids"),
    *("registration_deadline", "listed", "has_waitlist", "reminders", "next_due_at"),
    *("last_due_at", "join_link", "attendees_visible_to", "questions"),
}

LEAVES = {
    ActionId.UNREGISTER,
    ActionId.CHOOSE_TO_UNREGISTER,
    ActionId.GIVE_UP_SEAT,
    ActionId.STOP_SERIES,
    ActionId.UNREGISTER_CONFIRMED,
}


class PayloadRequest:
    """The request in a payload, and the person who makes it."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.payload = payload
        self.kind = "command" if "command" in payload else payload.get("type")

    @property
    def actor(self) -> object:
        """Return the id of the person who acts."""
        try:
            match self.kind:
                case "command":
                    return self.payload["user_id"]
                case "event_callback":
                    user = self.payload["event"]["user"]
                    return user["id"] if isinstance(user, Mapping) else user
                case _:
                    return self.payload["user"]["id"]
        except (KeyError, TypeError, IndexError):
            return None

    @property
    def is_foreign(self) -> bool:
        """Return whether the payload is for another workspace, or none, or from another's member."""
        payload = self.payload
        team = payload.get("team")
        own = [payload.get("team_id"), team.get("id") if isinstance(team, Mapping) else team]
        granted = payload.get("authorizations")
        authorized = [_at(each, "team_id") for each in granted] if isinstance(granted, list) else []
        view, members = payload.get("view"), [_at(payload.get("user"), "team_id")]
        sources = [authorized, own]
        if self.kind == "event_callback":
            is_members = _at(payload.get("event"), "type") == "app_home_opened"
            members = [*own, _at(payload.get("event"), "user_team")] if is_members else []
        else:
            sources = [[_at(view, "app_installed_team_id")], own, [_at(view, "team_id")], members]
        workspaces = [
            [str(one) for one in source if one and str(one)[0] != "E"] for source in sources
        ]
        named = next(filter(None, workspaces), [])
        elsewhere = [one for one in members if one and one != WORKSPACE]
        return set(named) != {WORKSPACE} or elsewhere != []

    @property
    def what(self) -> str:
        """Return the command and its words, the action's id, or the modal's callback id."""
        match self.kind:
            case "command":
                words = f"{self.payload['command']} {self.payload.get('text', '')}".lower().split()
                return "/" + " ".join(words).removeprefix("/rollcall ").removeprefix("/")
            case "block_actions":
                return str(self.payload["actions"][0]["action_id"])
            case "view_submission":
                return f"form {self.payload['view']['callback_id']}"
            case "event_callback":
                return f"event {self.payload['event']['type']}"
            case _:
                return ""

    @property
    def may_register(self) -> bool:
        """Return whether the request is a registration."""
        return (
            self.what in REGISTERS
            or self.what.split(" ")[0] == "/register"
            or self.what in {f"form {CallbackId.REGISTER}", f"form {CallbackId.ANSWERS}"}
        )

    @property
    def may_leave(self) -> bool:
        """Return whether the request is a leave."""
        return (
            self.what in LEAVES
            or self.what.split(" ")[0] == "/unregister"
            or self.what == f"form {CallbackId.UNREGISTER}"
        )


def _at(part: object, name: str) -> str | None:
    found = part.get(name) if isinstance(part, Mapping) else None
    return found if isinstance(found, str) else None


def organizes(actor: object, event: Event) -> bool:
    """Return whether a person may change an event (R8.9)."""
    return actor in _organizers(event) | ADMINS


def _organizers(event: Event) -> set[str | None]:
    return {event.organizer_id, *event.co_organizer_ids} - {None}


def assert_permitted(payload: Mapping[str, Any], before: State, after: State) -> None:
    """Assert that the person who acts may make every change that was made, in this way."""
    if before == after:
        return
    asked = PayloadRequest(payload)
    assert not asked.is_foreign, "another workspace changed something"
    _PermissionCheck(asked, before, after).check()


class _PermissionCheck:
    def __init__(self, asked: PayloadRequest, before: State, after: State) -> None:
        self._asked = asked
        self._actor = asked.actor
        self._before, self._after = before.everything, after.everything
        self._cards = {card[1:4] for card in after.cards} - {card[1:4] for card in before.cards}

    def check(self) -> None:
        self._users()
        rows = {**self._before.registrations, **self._after.registrations}
        for key in rows:
            was, now = self._before.registrations.get(key), self._after.registrations.get(key)
            if was != now:
                self._registration(key, was, now)
        for event_id, event in {**self._before.events, **self._after.events}.items():
            was_event, now_event = (
                self._before.events.get(event_id),
                self._after.events.get(event_id),
            )
            if was_event is None:
                self._created(event)
            else:
                assert now_event is not None, f"{event_id} is gone"
                self._event(was_event, now_event)
        if self._cards:
            self._carded()

    def _users(self) -> None:
        was, now = self._before.users, self._after.users
        touched = {user_id for user_id in {**was, **now} if was.get(user_id) != now.get(user_id)}
        new = {user_id for user_id in touched if user_id not in was} & (
            self._successors() | self._added()
        )
        assert touched - new <= {self._actor}, f"{self._actor} changed {touched}"
        if self._actor in touched and self._actor not in now:
            assert self._asked.what in (ActionId.FORGET_ME, DEACTIVATED), (
                f"forgotten by {self._asked.what}"
            )

    def _registration(
        self, key: tuple[str, str], was: Registration | None, now: Registration | None
    ) -> None:
        event_id, user_id = key
        if now is None and self._removes_attendees(event_id):
            return
        if was is None and self._adds(event_id):
            return
        if user_id != self._actor:
            assert was is not None, f"{user_id} was registered by {self._actor}"
            assert now is not None, f"{user_id} was removed by {self._actor}"
            assert was.status is RegistrationStatus.WAITLISTED
            assert now.status is RegistrationStatus.REGISTERED
            assert was.ticket == now.ticket
            assert self._frees(event_id), f"{user_id} was promoted for no reason"
        elif now is None:
            forgets = self._asked.what in (ActionId.FORGET_ME, DEACTIVATED)
            assert self._asked.may_leave or forgets, f"left by {self._asked.what}"
        elif was is not None:
            assert was.model_copy(update={"answers": now.answers}) == now, f"{key} was changed"
            assert self._asked.what == f"form {CallbackId.CHANGE_ANSWERS}"
        else:
            assert self._asked.may_register, f"registered by {self._asked.what}"

    def _removes_attendees(self, event_id: str) -> bool:
        """Return whether an organizer removes attendees: one of them, or all with the event."""
        ways = {f"form {CallbackId.REMOVE}", f"form {CallbackId.DELETE_EVENT}"}
        event = self._before.events[event_id]
        return self._asked.what in ways and organizes(self._actor, event)

    def _adds(self, event_id: str) -> bool:
        """Return whether an organizer adds people to the event (R12.4)."""
        event = self._before.events[event_id]
        is_form = self._asked.what == f"form {CallbackId.ADD_ATTENDEES}"
        return is_form and organizes(self._actor, event)

    def _added(self) -> set[str | None]:
        """Return the users who were registered by an organizer."""
        new = self._after.registrations.keys() - self._before.registrations.keys()
        return {user_id for event_id, user_id in new if self._adds(event_id)}

    def _frees(self, event_id: str) -> bool:
        """Return whether a seat became free: the actor left or removed somebody, or the capacity grew."""
        if self._removes_attendees(event_id):
            return True
        own = self._before.registrations.get((event_id, str(self._actor)))
        left = (event_id, self._actor) not in self._after.registrations
        gave_up = own is not None and own.status is RegistrationStatus.REGISTERED and left
        grew = self._after.events[event_id].capacity > self._before.events[event_id].capacity
        return gave_up or grew

    def _created(self, event: Event) -> None:
        assert self._asked.what == f"form {CallbackId.CREATE_EVENT}"
        assert event.organizer_id == self._actor, "an event in another's name"
        assert event.registered_count == event.waitlist_count == 0

    def _event(self, was: Event, now: Event) -> None:
        changed = {name for name in Event.model_fields if getattr(was, name) != getattr(now, name)}
        allowed = set(COUNTED)
        if self._registers_for_all(was):
            allowed |= {"series", "occurrence"}
        if organizes(self._actor, was):
            match self._asked.what:
                case ActionId.CLOSE | ActionId.REOPEN:
                    allowed |= {"status"}
                case ActionId.EXPORT:
                    allowed |= {"recent_requests"}
                case what:
                    allowed |= _BY_FORM.get(what, set())
        if _organizers(was) != _organizers(now) and self._may_change_organizers(was, now):
            allowed |= {"organizer_id", "co_organizer_ids"}
        assert changed <= allowed, f"{self._actor} changed {changed - allowed} of {was.event_id}"
        if changed and allowed == COUNTED:
            rows = {**self._before.registrations, **self._after.registrations}
            assert any(
                self._before.registrations.get(key) != self._after.registrations.get(key)
                for key in rows
                if key == (was.event_id, self._actor)
            ), f"{was.event_id} moved, and {self._actor} did nothing in it"

    def _registers_for_all(self, event: Event) -> bool:
        """Return whether the actor registers for all of a series: this one, or the one that the event is part of."""
        series_id = event.occurrence.series_id if event.occurrence else event.event_id
        key = series_id, str(self._actor)
        is_new = key in self._after.registrations and key not in self._before.registrations
        return is_new and self._before.events[series_id].series is not None

    def _may_change_organizers(self, was: Event, now: Event) -> bool:
        """Return whether the actor is taken off their event, or takes over one that has no organizer."""
        if self._asked.what in (ActionId.FORGET_ME, DEACTIVATED):
            left = _organizers(was) - {self._actor}
            return _organizers(now) == left or (not left and _organizers(now) == self._successors())
        is_admin = self._actor in ADMINS and self._asked.what == ActionId.TAKE_OVER
        return is_admin and not _organizers(was) and _organizers(now) == {self._actor}

    def _successors(self) -> set[str | None]:
        """Return the user whom the confirmation of `forget-me` names."""
        if self._asked.what != ActionId.FORGET_ME:
            return set()
        # The choice in the select counts: the button may be older.
        values = (self._asked.payload.get("state") or {}).get("values") or {}
        selects = ((inputs or {}).get(ActionId.SUCCESSOR) for inputs in values.values())
        chosen = next((select.get("selected_user") for select in selects if select), None)
        return {chosen or self._asked.payload["actions"][0].get("value")}

    def _carded(self) -> None:
        """Assert that only a card that was pressed, or that an organizer posted, is remembered."""
        if self._asked.what in PRESSED_ON_CARDS:
            return
        posts = {f"form {CallbackId.CREATE_EVENT}", f"form {CallbackId.POST_CARD}"}
        assert self._asked.what in posts, f"a card remembered by {self._asked.what}"
        for event_id, _, _ in self._cards:
            assert organizes(self._actor, self._after.events[event_id])


_CAPACITY = {"capacity", "capacity_target", "operation_id", "occurrence"}

_BY_FORM = {
    f"form {CallbackId.CAPACITY_CONFIRMED}": _CAPACITY,
    f"form {CallbackId.SERIES_CAPACITY_CONFIRMED}": _CAPACITY | {"series"},
    f"form {CallbackId.EDIT_EVENT}": EDITS | {"series", "occurrence"},
    f"form {CallbackId.SKIP_DATES}": {"series", "next_due_at"},
    f"form {CallbackId.END_SERIES}": {"status", "series", "next_due_at"},
    f"form {CallbackId.ADD_ATTENDEES}": {"recent_requests"},
    f"form {CallbackId.ANNOUNCEMENT}": {"recent_requests"},
    f"form {CallbackId.POST_CARD}": {"recent_requests"},
    f"form {CallbackId.CANCEL_EVENT}": {"status", "next_due_at"},
    f"form {CallbackId.DELETE_EVENT}": {"deletion", "operation_id", "next_due_at"},
    f"form {CallbackId.REMOVE}": {"somebody is out"},
}
"""The fields of an event that an organizer may change, by action."""

ORGANIZERS_ONLY = {
    CallbackId.EDIT_EVENT,
    CallbackId.REMOVE,
    CallbackId.ADD_ATTENDEES,
    CallbackId.ANNOUNCEMENT,
    CallbackId.CANCEL_EVENT,
    CallbackId.DELETE_EVENT,
    CallbackId.HISTORY,
    CallbackId.MANAGE,
    CallbackId.CAPACITY,
    CallbackId.CAPACITY_CONFIRMED,
    CallbackId.POST_CARD,
    CallbackId.ANSWER_TOTALS,
    CallbackId.SERIES_CAPACITY,
    CallbackId.SERIES_CAPACITY_CONFIRMED,
    CallbackId.SKIP_DATES,
    CallbackId.END_SERIES,
}


def assert_shown_to_organizers(
    payload: Mapping[str, Any], views: Iterable[Mapping[str, Any]], state: State
) -> None:
    """Assert that views for organizers, such as the roster, are shown to nobody else."""
    actor = PayloadRequest(payload).actor
    for view in views:
        if view.get("callback_id") in ORGANIZERS_ONLY:
            event_id = json.loads(view["private_metadata"])["event_id"]
            assert organizes(actor, state.everything.events[event_id]), f"{actor} saw {event_id}"
