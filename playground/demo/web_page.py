"""The page's side of the server: what it shows, what members do on it, and the stream of changes."""

import asyncio
import json
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

from playground.client.member_client import MemberClient, Seen
from playground.demo.backstage import Backstage
from playground.workspace.model import Change, Json, Message, SlackError, View
from playground.workspace.state import Workspace

STATIC = Path(__file__).parents[1] / "static"
_HEARTBEAT_SECONDS = 15.0
_GATHER_SECONDS = 0.04
"""Changes this close together reach the page as one."""


def _member_client(request: Request) -> MemberClient:
    member_client: MemberClient | None = request.app.state.member_client
    if member_client is None:
        raise HTTPException(503, "The bot is still starting.")
    return member_client


def _workspace(request: Request) -> Workspace:
    return _member_client(request).workspace


async def _state(request: Request) -> Response:
    """Everything around the messages, as one member sees it."""
    workspace = _workspace(request)
    try:
        me = workspace.member(request.query_params.get("member", ""))
    except SlackError:
        people = [member for member in workspace.members() if not member.is_bot]
        me = people[0] if people else workspace.member(workspace.app.bot_user_id)
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
    """One channel's messages, as one member sees them."""
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
    # Never shown in the page's own origin, whatever it contains.
    name = _ascii(file.name) or file.id
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.content, headers=headers, media_type="application/octet-stream")


def _ascii(name: str) -> str:
    return "".join(letter for letter in name if letter.isascii() and letter not in '"\\\r\n/')


async def _archives(request: Request) -> Response:
    return RedirectResponse(f"/?in={request.path_params['channel_id']}")


async def _index(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _stream(request: Request) -> Response:
    """Server-sent events: that something changed, and of what kind, never what."""
    changes = _changes(_workspace(request), request.query_params["member"])
    return StreamingResponse(
        changes, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _changes(workspace: Workspace, member_id: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[Change] = asyncio.Queue()
    stop = workspace.ledger.watch(
        lambda change: _tell(loop, heard, change) if change.user_id in (None, member_id) else None
    )
    try:
        yield "event: hello\ndata: {}\n\n"
        while True:
            try:
                gathered = [await asyncio.wait_for(heard.get(), _HEARTBEAT_SECONDS)]
            except TimeoutError:
                yield ": still here\n\n"
                continue
            await asyncio.sleep(_GATHER_SECONDS)
            while not heard.empty():
                gathered.append(heard.get_nowait())
            channels = sorted({c.channel_id for c in gathered if c.channel_id and c.ts})
            yield f"data: {json.dumps({'seq': gathered[-1].seq, 'channels': channels})}\n\n"
    finally:
        stop()


def _tell(loop: asyncio.AbstractEventLoop, heard: asyncio.Queue[Change], change: Change) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(heard.put_nowait, change)


def _target(workspace: Workspace, asked: Json) -> Message | View:
    if "view" in asked:
        view = workspace.views.get(asked["view"])
        if view is None:
            raise LookupError("this view is closed")
        return view
    return workspace.message(asked["channel"], asked["ts"])


def _values(asked: Json) -> dict[tuple[str, str], Any]:
    typed: dict[str, Json] = asked.get("values", {})
    return {
        (block_id, action_id): value
        for block_id, actions in typed.items()
        for action_id, value in actions.items()
    }


def _command(member_client: MemberClient, member: str, asked: Json) -> Seen:
    if asked["name"] == "/invite":
        return _invite(member_client, member, asked)
    return member_client.command(member, asked["channel"], asked["name"], asked["text"])


def _invite(member_client: MemberClient, member: str, asked: Json) -> Seen:
    """Slack's own `/invite @name`, which gets the bot into a private channel."""
    name = asked["text"].strip().removeprefix("@").lower()
    for invited in member_client.workspace.members():
        if name in (invited.name.lower(), invited.real_name.lower()):
            member_client.join(invited.id, asked["channel"], inviter=member)
            return Seen()
    return Seen(failure=f"There is nobody called “{name}” here.")


def _say(member_client: MemberClient, member: str, asked: Json) -> Seen:
    return member_client.say(member, asked["channel"], asked["text"])


def _click(member_client: MemberClient, member: str, asked: Json) -> Seen:
    return member_client.click(
        member,
        _target(member_client.workspace, asked),
        asked["action_id"],
        asked.get("value"),
        block_id=asked["block_id"],
        selected=asked.get("selected"),
        values=_values(asked),
    )


def _submit(member_client: MemberClient, member: str, asked: Json) -> Seen:
    return member_client.submit(member, asked["view"], _values(asked))


def _close(member_client: MemberClient, member: str, asked: Json) -> Seen:
    return member_client.close(member, asked["view"], all_views=bool(asked.get("all")))


def _options(member_client: MemberClient, member: str, asked: Json) -> Seen:
    target = _target(member_client.workspace, asked)
    return member_client.options(
        member, target, asked["action_id"], asked["block_id"], asked["query"]
    )


def _home(member_client: MemberClient, member: str, asked: Json) -> Seen:
    return member_client.open_home(member, asked["tab"])


def _read(member_client: MemberClient, member: str, asked: Json) -> Seen:
    member_client.workspace.mark_read(asked["channel"], member)
    return Seen()


ACTS: dict[str, Callable[[MemberClient, str, Json], Seen]] = {
    "command": _command,
    "say": _say,
    "click": _click,
    "submit": _submit,
    "close": _close,
    "options": _options,
    "home": _home,
    "read": _read,
}


async def _act(request: Request) -> Response:
    """Something that a member does; the answer tells what Slack's client would show beside the rest."""
    act = ACTS.get(request.path_params["act"])
    if act is None:
        return JSONResponse({"failure": "no such act"}, 404)
    asked: Json = await request.json()
    executor: Executor = request.app.state.executor
    run = partial(act, _member_client(request), asked["member"], asked)
    try:
        seen = await asyncio.get_running_loop().run_in_executor(executor, run)
    except (SlackError, LookupError, ValueError) as error:
        return JSONResponse({"failure": str(error), "errors": {}, "options": []})
    return JSONResponse({"failure": seen.failure, "errors": seen.errors, "options": seen.options})


def routes() -> list[BaseRoute]:
    """The page's routes; the app's state must hold a `member_client` and an `executor`."""
    return [
        Route("/", _index),
        Route("/archives/{channel_id}/{message}", _archives),
        Route("/files/{file_id}/{name}", _file),
        Route("/page/state", _state),
        Route("/page/messages", _messages),
        Route("/page/stream", _stream),
        Route("/page/{act}", _act, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
