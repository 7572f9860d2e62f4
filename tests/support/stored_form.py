"""The stored form of this version, as data: names, types, and the constants that give stored numbers their meaning.

`python -m tests.support.stored_form` writes it into `stored_form.json`.
"""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from domain import enums, models
from storage.dynamodb import items, schema
from storage.sqlite.schema import SCHEMA, SCHEMA_VERSION

RECORDED = Path(__file__).with_name("stored_form.json")


def stored_form() -> dict[str, Any]:
    """Return the stored form of this version."""
    return {
        "SCHEMA_VERSION": SCHEMA_VERSION,
        "VERSION": items.VERSION,
        "SERIES_VERSION": items.SERIES_VERSION,
        "WAITLIST_BLOCK": models.WAITLIST_BLOCK,
        "UNDELIVERED_SHARDS": schema.UNDELIVERED_SHARDS,
        "sqlite": [" ".join(statement.split()) for statement in SCHEMA.split(";")],
        "dynamodb": [json.loads(json.dumps(dataclasses.asdict(table))) for table in schema.TABLES],
        "fields": {
            name: _fields(model)
            for name, model in sorted(vars(models).items())
            if _is_stored(model)
        },
        "values": {
            name: [member.value for member in values]
            for name, values in sorted(vars(enums).items())
            if isinstance(values, type) and issubclass(values, StrEnum) and values is not StrEnum
        },
    }


def _is_stored(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel


def _fields(model: type[BaseModel]) -> dict[str, str]:
    return {
        name: str(field.annotation) + ("" if field.is_required() else ", with a default")
        for name, field in model.model_fields.items()
    }


def recorded_form() -> dict[str, Any]:
    """Return the stored form as it was recorded last."""
    form: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return form


if __name__ == "__main__":
    RECORDED.write_text(
        json.dumps(stored_form(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
