"""Surfaces as the bot sends them, and Slack's own TypeScript types as a second opinion on their fields."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playground.client.transport import BotResponse, Deliver
from playground.web_api.server import Call
from tests.support.npm import Package, Unobtainable, fetched, give_up, node

SLACK_TYPES = Package(
    "@slack/types@3.2.0",
    "IN4gdtlzQt8UJoj+1v+qAHeR4TxHO0KMlIs841SFfDQAcFFnsrWaGsEAE4goxVt8O/JOAFaGGdrFTzhNBop/Fg==",
)
TYPESCRIPT = Package(
    "typescript@5.9.3",
    "jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw==",
)

Json = Mapping[str, Any]

CONTENT = ("text", "blocks", "attachments", "metadata")
"""The arguments of a call that are a message's content."""

DECLARATIONS = """
import type { HomeView, KnownBlock, MessageMetadata, ModalView, Option, OptionGroup } from "@slack/types";
interface Message {
  text: string; blocks?: KnownBlock[]; metadata?: MessageMetadata;
  response_type?: "ephemeral" | "in_channel"; replace_original?: boolean; delete_original?: boolean;
}
type Acknowledgement =
  | { response_action: "update" | "push"; view: ModalView }
  | { response_action: "errors"; errors: Record<string, string> }
  | { response_action: "clear" };
type Suggestions = { options: Option[] } | { option_groups: OptionGroup[] };
"""
"""`@slack/types` has the views and blocks. The rest is from Slack's pages on messages and acknowledgements."""


def type_errors(surfaces: Iterable[Json]) -> list[str]:
    """Return what TypeScript finds in the surfaces, in strict mode. Skip the test without TypeScript."""
    try:
        types, typescript, runtime = fetched(SLACK_TYPES), fetched(TYPESCRIPT), node()
    except (Unobtainable, OSError) as error:
        give_up(
            f"Slack's types can't be checked: {error}. This needs npm's and PyPI's registry once."
        )
    with TemporaryDirectory() as folder:
        (Path(folder) / "node_modules/@slack").mkdir(parents=True)
        (Path(folder) / "node_modules/@slack/types").symlink_to(types)
        (Path(folder) / "surfaces.ts").write_text(_program(surfaces), encoding="utf-8")
        strict = ("--strict", "--noEmit", "--module", "nodenext", "--pretty", "false")
        checked = subprocess.run(
            [str(runtime), str(typescript / "lib/tsc.js"), *strict, "surfaces.ts"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    assert not checked.stderr, checked.stderr
    assert bool(checked.returncode) == bool(checked.stdout)
    return checked.stdout.splitlines()


def _program(surfaces: Iterable[Json]) -> str:
    constants = (
        f"const surface{number}: {_type(surface)} = {json.dumps(surface)};"
        for number, surface in enumerate(surfaces)
    )
    return "\n".join([DECLARATIONS, *constants])


def _type(surface: Json) -> str:
    if surface.get("type") in ("modal", "home"):
        return f"{surface['type'].title()}View"
    if "response_action" in surface:
        return "Acknowledgement"
    return "Suggestions" if surface.keys() & {"options", "option_groups"} else "Message"


def sent_surfaces(calls: Iterable[Call], acknowledgements: Iterable[str]) -> list[Json]:
    """Return each different surface in the bot's calls and acknowledgements."""
    found = [*_in_calls(calls), *(json.loads(body) for body in acknowledgements if body)]
    return list({json.dumps(surface, sort_keys=True): surface for surface in found}.values())


def _in_calls(calls: Iterable[Call]) -> Iterator[Json]:
    for call in calls:
        args = {name: _parsed(value) for name, value in call.args.items()}
        if call.method == "response_url":
            yield args
        elif "view" in args:
            yield args["view"]
        elif "blocks" in args:
            yield {name: args[name] for name in CONTENT if name in args}


def _parsed(value: Any) -> Any:
    """Return an argument that a form carries as JSON."""
    is_json = isinstance(value, str) and value.startswith(("{", "["))
    return json.loads(value) if is_json else value


def recording(deliver: Deliver, bodies: list[str]) -> Deliver:
    """Return a delivery that appends each acknowledgement's body."""

    def recorded(body: bytes, headers: Mapping[str, str]) -> BotResponse:
        response = deliver(body, headers)
        bodies.append(response.body)
        return response

    return recorded
