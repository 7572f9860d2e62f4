"""The demo page's endpoints: state and messages, member actions, and the stream of changes."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from playground.client.member_client import ActionResult, MemberClient
from playground.demo.backstage import Backstage
from playground.workspace.model import Json, Message, SlackError, View, WorkspaceChange
from playground.workspace.state import Workspace

STATIC = Path(__file__).parents[1] / "static"
_HEARTBEAT_SECONDS = 15.0
_DEBOUNCE_SECONDS = 0.04
"""Changes within this time reach the page as one."""


def _member_client(request: Request) -> MemberClient:
    member_client: MemberClient | None = request.app.state.member_client
    if member_client is None:
        raise HTTPException(503, "The bot is still starting.")
    return member_client


def _workspace(request: Request) -> Workspace:
    return _member_client(request).workspace


async def _state(request: Request) -> Response:
    """Return everything but the messages, as one member sees it."""
    workspace = _workspace(request)
    try:
        me = workspace.member(request.query_params.get("member", ""))
    except SlackError:
        users = [member for member in workspace.members() if not member.is_bot]
        me = users[0] if users else workspace.member(workspace.app.bot_user_id)
    app, team_id = workspace.app, workspace.team_id
    stack = workspace.views.stack(me.id)
    home = workspace.views.home(me.id)
    backstage: Backstage | None = request.app.state.backstage
    return JSONResponse(
        {
            "seq": workspace.ledger.seq,
            "team": workspace.name,
            "me": me.id,
            "app": {
                "name": app.name,
                "bot_user_id": app.bot_user_id,
                "commands": [asdict(command) for command in app.commands or ()],
                "home_tab": app.home_tab,
                "messages_tab": app.messages_tab,
                "messages_read_only": app.messages_read_only,
            },
            "members": [vars(member) for member in workspace.members()],
            "channels": [
                {
                    "id": channel.id,
                    "name": channel.name,
                    "is_private": channel.is_private,
                    "is_im": channel.is_im,
                    "has_bot": app.bot_user_id in channel.members,
                    "unread": workspace.unread(channel.id, me.id),
                }
                for channel in workspace.channels()
                if me.id in channel.members
            ],
            "home": home and home.as_json(app, team_id, with_state=True),
            "stack": [view.as_json(app, team_id, with_state=True) for view in stack],
            "backstage": backstage and backstage.summary(),
        }
    )


async def _messages(request: Request) -> Response:
    """Return one channel's messages, as one member sees them."""
    workspace, member_id = _workspace(request), request.query_params["member"]
    try:
        channel = workspace.channel(request.query_params["channel"])
    except SlackError as error:
        return JSONResponse({"failure": error.error}, 404)
    if member_id not in channel.members:
        return JSONResponse({"failure": "channel_not_found"}, 404)
    return JSONResponse([asdict(message) for message in workspace.messages(channel.id, member_id)])


async def _file(request: Request) -> Response:
    try:
        file = _workspace(request).file(request.path_params["file_id"])
    except SlackError:
        return Response("not found", 404)
    # A download, so an uploaded HTML file never runs in the page's origin.
    name = _ascii(file.name) or file.id
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.content, headers=headers, media_type="application/octet-stream")


def _ascii(name: str) -> str:
    kept = "".join(letter for letter in name if letter.isascii() and letter not in '"\\\r\n/')
    return re.sub(r" *(\.\w+)$", r"\1", " ".join(kept.split()))


async def _archives(request: Request) -> Response:
    return RedirectResponse(f"/?in={request.path_params['channel_id']}")


async def _index(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _stream(request: Request) -> Response:
    """Send an event for each change. The page then reads the state again."""
    changes = _changes(_workspace(request), request.query_params["member"])
    return StreamingResponse(
        changes, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _changes(workspace: Workspace, member_id: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[WorkspaceChange] = asyncio.Queue()
    stop = workspace.ledger.watch(
        lambda change: (
            _enqueue(loop, queue, change) if change.user_id in (None, member_id) else None
        )
    )
    try:
        yield "event: hello\ndata: {}\n\n"
        while True:
            try:
                batch = [await asyncio.wait_for(queue.get(), _HEARTBEAT_SECONDS)]
            except TimeoutError:
                yield ": still here\n\n"
                continue
            await asyncio.sleep(_DEBOUNCE_SECONDS)
            while not queue.empty():
                batch.append(queue.get_nowait())
            channels = sorted({c.channel_id for c in batch if c.channel_id and c.ts})
            yield f"data: {json.dumps({'seq': batch[-1].seq, 'channels': channels})}\n\n"
    finally:
        stop()


def _enqueue(
    loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[WorkspaceChange], change: WorkspaceChange
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(queue.put_nowait, change)


def _target(workspace: Workspace, body: Json) -> Message | View:
    if "view" in body:
        view = workspace.views.get(body["view"])
        if view is None:
            raise LookupError("This view is closed.")
        return view
    return workspace.message(body["channel"], body["ts"])


def _values(body: Json) -> dict[tuple[str, str], Any]:
    values: dict[str, Json] = body.get("values", {})
    return {
        (block_id, action_id): value
        for block_id, actions in values.items()
        for action_id, value in actions.items()
    }


def _command(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    if body["name"] == "/invite":
        return _invite(member_client, member, body)
    return member_client.command(member, body["channel"], body["name"], body["text"])


def _invite(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    """Handle Slack's built-in `/invite @name`, which can add the bot to a private channel."""
    name = body["text"].strip().removeprefix("@").lower()
    for invited in member_client.workspace.members():
        if name in (invited.name.lower(), invited.real_name.lower()):
            member_client.join(invited.id, body["channel"], inviter=member)
            return ActionResult()
    return ActionResult(failure=f"No member is named “{name}”.")


def _say(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    return member_client.say(member, body["channel"], body["text"])


def _click(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    return member_client.click(
        member,
        _target(member_client.workspace, body),
        body["action_id"],
        body.get("value"),
        block_id=body["block_id"],
        selected=body.get("selected"),
        values=_values(body),
    )


def _submit(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    return member_client.submit(member, body["view"], _values(body))


def _close(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    return member_client.close(member, body["view"], all_views=bool(body.get("all")))


def _options(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    target = _target(member_client.workspace, body)
    return member_client.options(member, target, body["action_id"], body["block_id"], body["query"])


def _home(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    return member_client.open_home(member, body["tab"])


def _read(member_client: MemberClient, member: str, body: Json) -> ActionResult:
    member_client.workspace.mark_read(body["channel"], member)
    return ActionResult()


ACTIONS: dict[str, Callable[[MemberClient, str, Json], ActionResult]] = {
    "command": _command,
    "say": _say,
    "click": _click,
    "submit": _submit,
    "close": _close,
    "options": _options,
    "home": _home,
    "read": _read,
}


async def _perform_action(request: Request) -> Response:
    """Perform a member's action. Return its errors and options; the page reads the rest as state."""
    action = ACTIONS.get(request.path_params["action"])
    if action is None:
        return JSONResponse({"failure": "Unknown action."}, 404)
    body: Json = await request.json()
    executor: Executor = request.app.state.executor
    run = partial(action, _member_client(request), body["member"], body)
    try:
        result = await asyncio.get_running_loop().run_in_executor(executor, run)
    except (SlackError, LookupError, ValueError) as error:
        return JSONResponse({"failure": str(error), "errors": {}, "options": []})
    return JSONResponse(
        {"failure": result.failure, "errors": result.errors, "options": result.options}
    )


def routes() -> list[BaseRoute]:
    """Return the page's routes. The application's state must have a `member_client` and an `executor`."""
    return [
        Route("/", _index),
        Route("/archives/{channel_id}/{message}", _archives),
        Route("/files/{file_id}/{name}", _file),
        Route("/page/state", _state),
        Route("/page/messages", _messages),
        Route("/page/stream", _stream),
        Route("/page/{action}", _perform_action, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
