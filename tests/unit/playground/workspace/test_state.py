"""The workspace's stored state after a restart, and its announced changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from playground.demo.seed import EVENTS, LEADS, demo_workspace
from playground.workspace.manifest import installed_app
from playground.workspace.model import InstalledApp, WorkspaceChange
from playground.workspace.state import Workspace
from tests.support.slack.stand_in import SCOPES, Clock, section

ADA, BJORN = "U0AMARA", "U0BJORN"


@contextmanager
def opened(path: Path, clock: Clock) -> Iterator[Workspace]:
    workspace = demo_workspace(InstalledApp(SCOPES), now=clock, path=path)
    try:
        yield workspace
    finally:
        workspace.close()


def test_messages_direct_messages_and_homes_survive_a_restart(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path / "slack.db", clock) as first:
        bot = first.app.bot_user_id
        kept = first.post(EVENTS, bot, "card", blocks=[section("x")])
        first.update(kept, text="newer card")
        first.delete(first.post(EVENTS, bot, "gone"))
        direct = first.post(first.dm(ADA).id, bot, "for you")
        first.post(EVENTS, bot, "psst", ephemeral_to=ADA)
        home = first.views.publish(ADA, {"type": "home", "blocks": [section("Home")]})
        first.join(LEADS, bot)
        first.put_member(replace(first.member(BJORN), deleted=True))

    with opened(tmp_path / "slack.db", clock) as second:
        assert [message.text for message in second.messages(EVENTS)] == ["newer card"]
        assert second.messages(second.dm(ADA).id) == [direct]
        assert second.views.home(ADA) == home
        assert bot in second.channel(LEADS).members
        assert second.member(BJORN).deleted
        assert len(second.channels()) == len(first.channels())


def test_ids_and_timestamps_never_repeat_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path / "slack.db", clock) as first:
        before = first.post(EVENTS, ADA, "one"), first.ledger.new_id("V")
    with opened(tmp_path / "slack.db", clock) as second:
        assert second.post(EVENTS, ADA, "two").ts > before[0].ts
        assert second.ledger.new_id("V") > before[1]


def test_unread_counts_others_messages_until_read(workspace: Workspace) -> None:
    workspace.post(EVENTS, ADA, "one")
    workspace.post(EVENTS, workspace.app.bot_user_id, "psst", ephemeral_to=BJORN)
    assert (workspace.unread(EVENTS, ADA), workspace.unread(EVENTS, BJORN)) == (0, 1)
    workspace.mark_read(EVENTS, BJORN)
    assert workspace.unread(EVENTS, BJORN) == 0


def test_watcher_gets_each_change_until_it_stops(workspace: Workspace) -> None:
    changes: list[WorkspaceChange] = []
    stop = workspace.ledger.watch(changes.append)
    message = workspace.post(EVENTS, ADA, "one", ephemeral_to=BJORN)
    stop()
    workspace.post(EVENTS, ADA, "two")
    (change,) = changes
    assert (change.kind, change.ts, change.user_id) == ("message", message.ts, BJORN)


def test_visible_messages_since_omits_messages_of_others(workspace: Workspace) -> None:
    seq = workspace.ledger.seq
    workspace.post(EVENTS, ADA, "for all")
    workspace.post(EVENTS, ADA, "for Björn", ephemeral_to=BJORN)
    workspace.post(LEADS, ADA, "in private")
    assert [m.text for m in workspace.visible_messages_since(seq, "U0DIEGO")] == ["for all"]


def test_manifest_declares_the_installed_app() -> None:
    app = installed_app(
        {
            "features": {
                "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
                "bot_user": {"display_name": "Rollcall"},
                "slash_commands": [{"command": "/register", "usage_hint": "[event]"}],
            },
            "oauth_config": {
                "scopes": {"bot": ["chat:write"], "bot_optional": ["chat:write.public"]}
            },
            "settings": {"event_subscriptions": {"bot_events": ["app_home_opened"]}},
        }
    )
    assert app.scopes == {"chat:write", "chat:write.public"}
    assert app.commands is not None
    assert (app.commands[0].name, app.commands[0].usage_hint) == ("/register", "[event]")
    assert app.events == frozenset({"app_home_opened"})
    assert app.messages_tab


@pytest.mark.parametrize("event", ["user_change", "member_joined_channel"])
def test_manifest_without_events_subscribes_to_none(event: str) -> None:
    assert event not in (installed_app({}).events or ())
