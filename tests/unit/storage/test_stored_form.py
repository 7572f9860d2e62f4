"""No change of what is stored without a new version of the stored form (R7.7)."""

from __future__ import annotations

from tests.support.stored_form import recorded_form, stored_form

ADVICE = """\
What is stored has changed. A new field with a default, or a new value, needs nothing. For anything else:
1. Raise VERSION (storage/dynamodb/items.py) and SCHEMA_VERSION (storage/sqlite/schema.py), unless they were
   raised since the last release, and read the earlier form right.
2. Keep a file that the earlier code wrote in tests/support/earlier_data/.
3. Record the new form: python -m tests.support.stored_form
"""


def without_additions(form: dict[str, object], recorded: dict[str, object]) -> dict[str, object]:
    """Return a form without the fields with defaults, and the values, that were not recorded."""
    kept = dict(form)
    kept["fields"] = {
        name: {
            field: kind
            for field, kind in fields.items()
            if field in recorded["fields"].get(name, {}) or "with a default" not in kind  # type: ignore[attr-defined]
        }
        for name, fields in form["fields"].items()  # type: ignore[attr-defined]
        if name in recorded["fields"]  # type: ignore[operator]  # a model that is part of a new field
    }
    kept["values"] = {
        name: [value for value in values if value in recorded["values"][name]]  # type: ignore[index]
        for name, values in form["values"].items()  # type: ignore[attr-defined]
        if name in recorded["values"]  # type: ignore[operator]
    }
    return kept


def test_stored_form_is_as_recorded_for_its_version() -> None:
    recorded = recorded_form()
    assert without_additions(stored_form(), recorded) == recorded, ADVICE


def test_another_meaning_of_a_stored_number_is_noticed() -> None:
    """As when blocks went from 1,000 to 500 tickets."""
    changed = stored_form() | {"WAITLIST_BLOCK": 1000}
    assert without_additions(changed, recorded_form()) != recorded_form()


def test_new_field_with_a_default_needs_no_version() -> None:
    changed = stored_form()
    changed["fields"]["Event"]["color"] = "str, with a default"
    assert without_additions(changed, recorded_form()) == recorded_form()
    changed["fields"]["Event"]["size"] = "int"
    assert without_additions(changed, recorded_form()) != recorded_form()
