"""Faults in exports, forms, additions, and what follows an organizer's leaving: the simulation must find them all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.api import responses
from bot.features.export.attendee_list import AttendeeReader
from bot.features.export.spreadsheet import Attendee
from bot.notifications.delivery_run import DeliveryRun
from bot.notifications.worker import NotificationWorker
from domain.commands import AddAttendees, AddOutcome
from domain.enums import NotificationKind, RegistrationStatus
from domain.errors import DuplicateEvent
from domain.execution.leases import Lease
from domain.execution.organizers import OrganizerRemoval
from domain.inputs import EventDraft
from domain.models import Event, ExportJob, Registration
from domain.planning import organizers, registrations
from domain.planning.working_copy import WorkingCopy
from domain.service import Service
from tests.support.simulation.busy_worlds import (
    world_with_exports,
    world_with_forms,
    world_with_leaving_organizers,
    world_with_programs,
)
from tests.support.simulation.fault import Fault
from tests.support.simulation.world import World


def _leases_not_renewed(patch: pytest.MonkeyPatch, _: World) -> None:
    """Renew no lease during an export, however long it takes (R9.6)."""
    patch.setattr(Lease, "renew", lambda _: None)


def _exports_in_the_notifier(patch: pytest.MonkeyPatch, _: World) -> None:
    """Have the notifier's thread do exports, so all messages wait (R9.6)."""
    process = NotificationWorker.process_event

    def process_all(
        worker: NotificationWorker, id_: str, *, until: float | None = None
    ) -> float | None:
        if ExportJob.of(id_) is not None:
            return worker.exports.process_job(id_)
        return process(worker, id_, until=until)

    patch.setattr(NotificationWorker, "process_event", process_all)
    patch.setattr(NotificationWorker, "_schedule", lambda worker, id_: worker._due.add(id_))


def _torn_exports(patch: pytest.MonkeyPatch, _: World) -> None:
    """Read those with seats first, so whoever gets one meanwhile is in neither list (R6.5)."""

    def read(reader: AttendeeReader, event_id: str, **_: bool) -> tuple[Attendee, ...]:
        found: list[Attendee] = []
        cursor: str | None = None
        while True:
            page = reader._store.list_roster(event_id, limit=None, cursor=cursor)
            found += [
                Attendee(one.user_id, one.registered_at, one.seated_at, True) for one in page.items
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
        last = 0
        while entries := reader._store.get_waitlist(event_id, after=last, limit=None):
            found += [Attendee(one.user_id, one.registered_at, None, False) for one in entries]
            last = entries[-1].ticket
        return tuple({one.user_id: one for one in found}.values())

    patch.setattr(AttendeeReader, "read", read)


def _deleted_organizers_stay(patch: pytest.MonkeyPatch, _: World) -> None:
    """Delete a user, and leave them an organizer (R2.9)."""
    patch.setattr(OrganizerRemoval, "finish", lambda *_: True)


def _no_admin_is_asked(patch: pytest.MonkeyPatch, _: World) -> None:
    """Ask no admin to take over an event without an organizer (R2.9)."""
    patch.setattr(DeliveryRun, "_notify_admins", lambda *_: None)


def _last_succeeds(patch: pytest.MonkeyPatch, _: World) -> None:
    """Have the last co-organizer succeed, not the first one (R2.9)."""
    set_organizers = organizers._set_organizers

    def set_in_reverse(*args: object, **options: object) -> None:
        work, event, ids, kind = args
        assert isinstance(ids, tuple)
        set_organizers(work, event, ids[::-1], kind, **options)  # type: ignore[arg-type]  # as it was called

    patch.setattr(organizers, "_set_organizers", set_in_reverse)


def _second_submit_creates_again(patch: pytest.MonkeyPatch, _: World) -> None:
    """Create another event if a form is submitted twice (R8.13)."""

    def create_again(service: Service, draft: EventDraft) -> tuple[Event, bool]:
        try:
            return service.create_event(draft), True
        except DuplicateEvent:
            again = draft.model_copy(update={"event_id": service._new_id()})
            return service.create_event(again), True

    patch.setattr(Service, "create_event_once", create_again)


def _requests_not_remembered(patch: pytest.MonkeyPatch, _: World) -> None:
    """Send an announcement again if its form is submitted again (R8.13)."""
    remember = WorkingCopy.remember_request

    def remember_another(work: WorkingCopy, request_id: str) -> None:
        remember(work, f"{request_id}, version {work.version}")

    patch.setattr(WorkingCopy, "remember_request", remember_another)


def _added_in_silence(patch: pytest.MonkeyPatch, _: World) -> None:
    """Tell no one that an organizer has added them (R12.4)."""
    notify = WorkingCopy.notify

    def notify_others(
        work: WorkingCopy, kind: NotificationKind, *args: Any, **options: Any
    ) -> bool:
        return kind is NotificationKind.ADDED or notify(work, kind, *args, **options)

    patch.setattr(WorkingCopy, "notify", notify_others)


def _added_in_another_order(patch: pytest.MonkeyPatch, _: World) -> None:
    """Give the seats to whoever was chosen last (R12.4)."""
    add = registrations.add_attendees

    def add_in_reverse(work: WorkingCopy, command: AddAttendees) -> AddOutcome | None:
        return add(work, replace(command, user_ids=command.user_ids[::-1]))

    patch.setattr(registrations, "add_attendees", add_in_reverse)


def _promotions_lose_answers(patch: pytest.MonkeyPatch, _: World) -> None:
    """Build a promoted user's registration anew, without the answers (R12.3)."""
    set_registration = WorkingCopy.set_registration

    def set_without_answers(
        work: WorkingCopy, user_id: str, registration: Registration | None
    ) -> None:
        before = work.registration(user_id)
        if before is not None and registration is not None and before.status != registration.status:
            registration = registration.model_copy(update={"answers": {}})
        set_registration(work, user_id, registration)

    patch.setattr(WorkingCopy, "set_registration", set_without_answers)


def _waitlisted_programs_read_registered(patch: pytest.MonkeyPatch, _: World) -> None:
    """Answer a program that a waitlisted user has a seat (R11)."""
    of = responses.Registration.of

    def of_seat(event: Event, registration: Registration, _: int | None) -> responses.Registration:
        answer = of(event, registration, None)
        return answer.model_copy(update={"status": RegistrationStatus.REGISTERED})

    patch.setattr(responses.Registration, "of", of_seat)


FAULTS: dict[str, Fault] = {
    "leases not renewed during an export": Fault("item 2", _leases_not_renewed, world_with_exports),
    "exports in the notifier": Fault("item 2", _exports_in_the_notifier, world_with_exports),
    "exports torn between versions": Fault("item 10", _torn_exports, world_with_exports),
    "a deleted organizer who stays": Fault(
        "item 7", _deleted_organizers_stay, world_with_leaving_organizers
    ),
    "no admin asked": Fault("item 7", _no_admin_is_asked, world_with_leaving_organizers),
    "the last co-organizer succeeds": Fault(
        "item 7", _last_succeeds, world_with_leaving_organizers
    ),
    "a second Submit creates again": Fault("guard", _second_submit_creates_again, world_with_forms),
    "a second Submit announces again": Fault("guard", _requests_not_remembered, world_with_forms),
    "members added in silence": Fault("guard", _added_in_silence, world_with_forms),
    "members added in another order": Fault("guard", _added_in_another_order, world_with_forms),
    "a promotion that loses the answers": Fault(
        "guard", _promotions_lose_answers, world_with_forms
    ),
    "a waitlisted user with a seat over HTTP": Fault(
        "guard", _waitlisted_programs_read_registered, world_with_programs
    ),
}
