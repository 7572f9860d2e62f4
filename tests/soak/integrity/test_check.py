"""R7.6: a check reports each corruption with its ids, a repair fixes it, and the next check finds nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from domain.integrity.journal_check import JournalCheck
from domain.integrity.violations import Progress, ViolationKind
from tests.support.environment import service_on
from tests.support.integrity.cases import (
    CORRUPTIONS,
    ON_DYNAMODB,
    ONLY_BY_REPLAY,
)
from tests.support.integrity.corruption import (
    CorruptibleEvent,
    Corruption,
    assert_fixed,
    check,
    repair,
)
from tests.support.invariants import assert_invariants
from tests.support.stores import Kind, empty_store


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_corruption_is_reported_with_its_ids_and_fixed(kind: Kind, corruption: Corruption) -> None:
    with empty_store(kind) as store:
        service = service_on(store)
        target = CorruptibleEvent(service, store)
        corruption.do(target)
        assert corruption.is_reported_in(check(service), target)
        assert repair(service)
        assert_fixed(service, store)


@pytest.mark.parametrize("corruption", ONLY_BY_REPLAY.values(), ids=ONLY_BY_REPLAY)
def test_without_the_replay_it_is_not_found(
    monkeypatch: pytest.MonkeyPatch, corruption: Corruption
) -> None:
    """Negative control: rows and counts agree with each other, only the journal says otherwise."""
    with empty_store("memory") as store:
        service = service_on(store)
        corruption.do(CorruptibleEvent(service, store))
        monkeypatch.setattr(JournalCheck, "violations", lambda _: [])
        assert check(service) == []


EVERY_ONE = ON_DYNAMODB | CORRUPTIONS


ONE_OF_EACH_KIND = {
    name: corruption
    for name, corruption in EVERY_ONE.items()
    if name == next(first for first in EVERY_ONE if EVERY_ONE[first].kind is corruption.kind)
}


def test_there_is_a_corruption_for_each_kind_of_violation() -> None:
    assert {corruption.kind for corruption in ONE_OF_EACH_KIND.values()} == set(ViolationKind)


@pytest.mark.parametrize(
    ("kind", "corruptions"),
    [
        pytest.param("sqlite", CORRUPTIONS, id="sqlite"),
        pytest.param("local", ON_DYNAMODB, id="local"),
        pytest.param("local", EVERY_ONE, id="local, every one", marks=pytest.mark.soak),
    ],
)
def test_all_corruptions_together_are_reported_and_fixed(
    kind: Kind, corruptions: Mapping[str, Corruption]
) -> None:
    """Each event has one corruption; an event without any is not changed."""
    with empty_store(kind) as store:
        service = service_on(store)
        sound = CorruptibleEvent(service, store, "sound")
        before = sound.event()
        scenes = {
            name: CorruptibleEvent(service, store, f"e{number}")
            for number, name in enumerate(corruptions)
        }
        for name, corruption in corruptions.items():
            corruption.do(scenes[name])
        found = check(service)
        unreported = {
            name
            for name, corruption in corruptions.items()
            if not corruption.is_reported_in(found, scenes[name])
        }
        assert unreported == set()
        fixed = {fix.violation.event_id for fix in repair(service)}
        assert fixed == {violation.event_id for violation in found}
        assert_fixed(service, store)
        assert sound.event() == before


def test_sound_data_has_no_violation_and_progress_is_reported() -> None:
    with empty_store("sqlite") as store:
        service = service_on(store)
        CorruptibleEvent(service, store)
        reports: list[Progress] = []
        assert list(service.check(reports.append)) == []
        assert reports[-1] == Progress(events=1, counted=5, registrations=5, waitlist_entries=3)
        assert repair(service) == []
        assert_invariants(store)
