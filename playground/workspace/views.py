"""Each member's open views: a stack of modals and an App Home."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from playground.workspace.block_elements import initial_state, with_ids
from playground.workspace.ledger import Ledger
from playground.workspace.model import Json, SlackError, View

STACK_LIMIT = 3
"""The maximum number of views in a modal stack, from Slack's page on modals."""


class OpenViews:
    """The open views of a workspace. App Homes are stored; modals close when the process ends."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {
            user_id: View(**row) for user_id, row in ledger.rows.all("home")
        }

    def get(self, view_id: str) -> View | None:
        """Return the open view with this id, if any."""
        with self._ledger.lock:
            return next((view for view in self._all() if view.id == view_id), None)

    def by_external_id(self, external_id: str) -> View | None:
        """Return the open view with this external id, if any."""
        with self._ledger.lock:
            return next(
                (view for view in self._all() if view.body.get("external_id") == external_id), None
            )

    def stack(self, user_id: str) -> tuple[View, ...]:
        """Return the member's modals, top modal last."""
        with self._ledger.lock:
            return tuple(self._stacks.get(user_id, ()))

    def home(self, user_id: str) -> View | None:
        """Return the member's App Home, if the app has published one."""
        with self._ledger.lock:
            return self._homes.get(user_id)

    def open(self, user_id: str, body: Json, channel_id: str | None = None) -> View:
        """Open a modal and close all others; `channel_id` is the channel that the member acted in."""
        with self._ledger.lock:
            view = self._new(user_id, body, channel_id=channel_id)
            self._stacks[user_id] = [view]
            self._ledger.announce("view", user_id=user_id)
            return view

    def push(self, user_id: str, body: Json) -> View:
        """Push a modal onto the stack. Raises `SlackError` with `push_limit_reached` or `not_found`."""
        with self._ledger.lock:
            stack = self._stacks.get(user_id, [])
            if not stack:
                raise SlackError("not_found")
            if len(stack) >= STACK_LIMIT:
                raise SlackError("push_limit_reached")
            below = stack[-1]
            view = self._new(user_id, body, channel_id=below.channel_id)
            view = replace(view, root_id=below.root_id, previous_id=below.id)
            stack.append(view)
            self._ledger.announce("view", user_id=user_id)
            return view

    def update(self, view_id: str, body: Json) -> View:
        """Replace a view's content. Raises `SlackError` with `not_found` once it is closed.

        As in Slack's clients, an existing input (same block id, action id and type) keeps its value
        and ignores a new initial value.
        """
        with self._ledger.lock:
            view = self.get(view_id)
            if view is None:
                raise SlackError("not_found")
            body = {**body, "blocks": with_ids(body["blocks"], self._ledger.new_id)}
            state = keep_typed(initial_state(body["blocks"], view.channel_id), view.state)
            return self._put(replace(view, body=body, hash=self._hash(), state=state))

    def publish(self, user_id: str, body: Json) -> View:
        """Publish `body` as the member's App Home."""
        with self._ledger.lock:
            present = self._homes.get(user_id)
            view = self._new(user_id, body)
            if present is not None:
                view = replace(view, id=present.id, root_id=present.id)
            return self._put(view)

    def set_state(self, view_id: str, state: dict[str, dict[str, Json]]) -> View:
        """Record the values of the member's inputs. Raises `SlackError` with `not_found`."""
        with self._ledger.lock:
            view = self.get(view_id)
            if view is None:
                raise SlackError("not_found")
            return self._put(replace(view, state=state), announce=False)

    def close(self, view_id: str) -> None:
        """Close a modal and the modals above it."""
        with self._ledger.lock:
            for user_id, stack in self._stacks.items():
                ids = [view.id for view in stack]
                if view_id in ids:
                    del stack[ids.index(view_id) :]
                    self._ledger.announce("view", user_id=user_id)

    def clear(self, user_id: str) -> None:
        """Close all of the member's modals."""
        with self._ledger.lock:
            self._stacks.pop(user_id, None)
            self._ledger.announce("view", user_id=user_id)

    def _all(self) -> list[View]:
        modals = [view for stack in self._stacks.values() for view in stack]
        return modals + list(self._homes.values())

    def _new(self, user_id: str, body: Json, channel_id: str | None = None) -> View:
        body = {**body, "blocks": with_ids(body["blocks"], self._ledger.new_id)}
        view_id = self._ledger.new_id("V")
        state = initial_state(body["blocks"], channel_id)
        return View(
            view_id, user_id, body, self._hash(), view_id, channel_id=channel_id, state=state
        )

    def _put(self, view: View, *, announce: bool = True) -> View:
        if view.kind == "home":
            self._homes[view.user_id] = view
            self._ledger.rows.put("home", view.user_id, asdict(view))
        else:
            stack = self._stacks[view.user_id]
            stack[[open_view.id for open_view in stack].index(view.id)] = view
        if announce:
            self._ledger.announce("home" if view.kind == "home" else "view", user_id=view.user_id)
        return view

    def _hash(self) -> str:
        return f"{int(self._ledger.now())}.{self._ledger.new_id('H')}"


def keep_typed(
    new: dict[str, dict[str, Json]], old: Mapping[str, Mapping[str, Json]]
) -> dict[str, dict[str, Json]]:
    """Return the new state, with the old value of each input that is in both."""
    return {
        block_id: {
            action_id: kept
            if (kept := old.get(block_id, {}).get(action_id)) and kept["type"] == value["type"]
            else value
            for action_id, value in actions.items()
        }
        for block_id, actions in new.items()
    }
