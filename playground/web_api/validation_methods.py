"""The method `blocks.validate`: the stand-in's own opinion on a surface, in the shape of Slack's."""

from typing import Any

from playground.web_api.arguments import Arguments, invalid
from playground.web_api.web_methods import Method
from playground.workspace.block_kit_limits import block_errors, view_errors
from playground.workspace.model import Json, SlackError
from playground.workspace.state import Workspace

KINDS = ("blocks", "message", "view")


def validate(workspace: Workspace, arguments: Arguments) -> Json:
    """Handle `blocks.validate`. It takes exactly one of blocks, a message and a view, and needs no scope."""
    given = [kind for kind in KINDS if kind in arguments]
    if len(given) != 1:
        raise invalid("provide exactly one of blocks, view, or message")
    (kind,) = given
    content: Any = arguments.json(kind, error=f"invalid_{kind}")
    if kind == "view":
        errors = view_errors(content)
    else:
        blocks = content if kind == "blocks" else dict(content or {}).get("blocks", [])
        errors = block_errors(blocks)
    if errors:
        found = [{"pointer": "", "code": "failed_constraint", "message": one} for one in errors]
        raise SlackError(f"invalid_{kind}", errors=found)
    return {}


METHODS: dict[str, Method] = {"blocks.validate": validate}
