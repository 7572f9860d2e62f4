"""Processes killed with `kill -9` during a rush: acknowledged calls are stored, others completely or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.sqlite.store import SQLiteStore
from tests.support.counting import Count
from tests.support.crashes.killing import (
    AnyStore,
    RushTranscript,
    assert_answers_are_true,
    assert_next_process_continues,
    assert_promotions_are_notified,
    prepare,
    run_and_kill,
    unfinished,
)
from tests.support.crashes.workspace_tables import WorkspaceTables
from tests.support.invariants import assert_invariants
from tests.support.scale import scaled
from tests.support.stores import empty_local


def seeds(all_of_them: int, few: int) -> list[object]:
    """Return seeds: a few for `make test`, the others for `make soak`."""
    return [
        pytest.param(seed, marks=[pytest.mark.soak] if seed >= few else [])
        for seed in range(all_of_them)
    ]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a prepared file, to be copied."""
    path = tmp_path_factory.mktemp("killed") / "template.sqlite"
    store = SQLiteStore(path, "T1")
    prepare(store)
    store.close()
    return path


@pytest.mark.parametrize("seed", seeds(scaled(15), 2))
def test_killed_on_sqlite(seed: int, template: Path, tmp_path: Path, count: Count) -> None:
    """R7.4: no acknowledged call is lost, none is stored in part, and the next process continues."""
    path = tmp_path / "rollcall.sqlite"
    shutil.copy(template, path)
    store = SQLiteStore(path, "T1")
    before = assert_invariants(store)
    store.close()
    rush = run_and_kill(seed, "sqlite", str(path))
    store = SQLiteStore(path, "T1")
    try:
        found = assert_invariants(store)
        assert_answers_are_true(rush, found, before)
        assert_promotions_are_notified(store, found, before)
        report(count, rush, store)
        assert_next_process_continues(store, rush)
    finally:
        store.close()


@pytest.mark.parametrize("seed", seeds(scaled(4), 1))
def test_killed_on_dynamodb(seed: int, count: Count) -> None:
    """The store survives, and the last requests of the process may still arrive."""
    with empty_local() as store:
        prepare(store)
        before = assert_invariants(store)
        rush = run_and_kill(seed, "local", store._prefix)
        tables = WorkspaceTables(store._client, store._prefix)
        stored = tables.stored()
        while stored != (again := tables.stored()):
            stored = again
        found = assert_invariants(store)
        assert_answers_are_true(rush, found, before)
        assert_promotions_are_notified(store, found, before)
        report(count, rush, store)
        assert_next_process_continues(store, rush)


def report(count: Count, rush: RushTranscript, store: AnyStore) -> None:
    """Report what the kill interrupted."""
    count("rushes killed", 1)
    count("events and users that a kill left unfinished", len(unfinished(store)))
    count("calls answered before a kill", len(rush.answers))
    count("calls cut off by a kill", len(rush.unanswered()))
