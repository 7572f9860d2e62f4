"""R7.6: each thing that R7.5 names, corrupted, is named with its ids, mended, and gone at the next check."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from domain.integrity.violations import Progress, ViolationKind
from tests.support.environment import service_on
from tests.support.integrity.cases import (
    CORRUPTIONS,
    ON_DYNAMODB,
)
from tests.support.integrity.corruption import Corruption, Scene, assert_mended, check, repair
from tests.support.invariants import assert_sound
from tests.support.stores import Kind, empty_store


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("corruption", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_it_is_named_with_its_ids_and_mended(kind: Kind, corruption: Corruption) -> None:
    """And a second check is clean, and R7.5 holds again."""
    with empty_store(kind) as store:
        service = service_on(store)
        scene = Scene(service, store)
        corruption.do(scene)
        assert corruption.is_named_in(check(service), scene)
        assert repair(service)
        assert_mended(service, store)


def one_of_each(corruptions: Mapping[str, Corruption]) -> dict[str, Corruption]:
    """Return one corruption for each kind of breach."""
    by_kind: dict[ViolationKind, str] = {}
    for name, corruption in corruptions.items():
        by_kind.setdefault(corruption.kind, name)
    assert set(by_kind) == set(ViolationKind)
    return {name: corruptions[name] for name in by_kind.values()}


EVERY_ONE = ON_DYNAMODB | CORRUPTIONS


@pytest.mark.parametrize(
    ("kind", "corruptions"),
    [
        pytest.param("sqlite", CORRUPTIONS, id="sqlite"),
        pytest.param("local", one_of_each(EVERY_ONE), id="local"),
        pytest.param("local", EVERY_ONE, id="local, every one", marks=pytest.mark.soak),
        pytest.param("moto", EVERY_ONE, id="moto, every one", marks=pytest.mark.soak),
    ],
)
def test_all_at_once_each_is_named_with_its_ids_and_mended(
    kind: Kind, corruptions: Mapping[str, Corruption]
) -> None:
    """Each in an event of its own; one that stands beside them is not touched."""
    with empty_store(kind) as store:
        service = service_on(store)
        sound = Scene(service, store, "sound")
        before = sound.event()
        scenes = {
            name: Scene(service, store, f"e{number}") for number, name in enumerate(corruptions)
        }
        for name, corruption in corruptions.items():
            corruption.do(scenes[name])
        found = check(service)
        unnamed = {
            name
            for name, corruption in corruptions.items()
            if not corruption.is_named_in(found, scenes[name])
        }
        assert unnamed == set()
        mended = {mend.violation.event_id for mend in repair(service)}
        assert mended == {violation.event_id for violation in found}
        assert_mended(service, store)
        assert sound.event() == before


def test_sound_data_has_no_breach_and_the_reading_is_told() -> None:
    with empty_store("sqlite") as store:
        service = service_on(store)
        Scene(service, store)
        seen: list[Progress] = []
        assert list(service.check(seen.append)) == []
        assert seen[-1] == Progress(events=1, counted=5, registrations=5, waitlist_entries=3)
        assert repair(service) == []
        assert_sound(store)
