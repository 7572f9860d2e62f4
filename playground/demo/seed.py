"""The demo's initial data: six members in six time zones, four channels, and two events."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.entrypoints.bootstrap import Bot
from domain.errors import DuplicateEvent
from domain.inputs import EventDraft, UserDraft
from playground.workspace.model import InstalledApp, Member
from playground.workspace.state import Workspace

MEMBERS = (
    Member("U0AMARA", "amara", "Amara Okafor", "Africa/Lagos", "en-GB", is_admin=True),
    Member("U0BJORN", "bjorn", "Björn Lindqvist", "Europe/Stockholm", "sv-SE"),
    Member("U0CHLOE", "chloe", "Chloé Tremblay", "America/Toronto", "fr-CA"),
    Member("U0DIEGO", "diego", "Diego Quispe", "America/Lima", "es-PE"),
    Member("U0HARUKI", "haruki", "Haruki Sato", "Asia/Tokyo", "ja-JP"),
    Member("U0PRIYA", "priya", "Priya Raman", "Asia/Kolkata", "en-IN"),
)
GENERAL, EVENTS, RANDOM, LEADS = "C0GENERAL", "C0EVENTS", "C0RANDOM", "C0LEADS"


def seed_workspace(workspace: Workspace) -> None:
    """Add the demo's members and channels, unless the workspace already has members.

    The bot is in the public channels. It joins the private #leads once someone invites it.
    """
    if len(workspace.members()) > 1:
        return
    for member in MEMBERS:
        workspace.put_member(member)
    everyone = [*(member.id for member in MEMBERS), workspace.app.bot_user_id]
    workspace.add_channel("general", everyone, id=GENERAL)
    workspace.add_channel("events", everyone, id=EVENTS)
    workspace.add_channel("random", everyone, id=RANDOM)
    workspace.add_channel("leads", ["U0AMARA", "U0BJORN", "U0PRIYA"], private=True, id=LEADS)
    for member in MEMBERS:
        workspace.dm(member.id)


def demo_workspace(
    app: InstalledApp, *, now: Callable[[], float], path: Path | None = None
) -> Workspace:
    """Return the demo workspace, in memory or in a file. Seed it if it is new."""
    workspace = Workspace(app, now=now, path=path)
    seed_workspace(workspace)
    return workspace


def seed_events(bot: Bot, workspace: Workspace, *, now: datetime) -> None:
    """Create two demo events with their cards, one nearly full, unless they already exist."""
    members = workspace.members()
    users = [member for member in members if not member.is_bot]
    tomorrow = (now + timedelta(days=1)).replace(hour=16, minute=0, second=0, microsecond=0)
    events = (
        ("demo-yoga", "Yoga in the park", "Bring a mat. If it rains, we meet indoors.", 4, 3),
        ("demo-tools", "Tool talk: better code reviews", "Short talks, long discussion.", 20, 2),
    )
    for number, (event_id, title, description, capacity, taken) in enumerate(events):
        organizer = users[number]
        start = tomorrow + timedelta(days=3 * number)
        draft = EventDraft.of(
            event_id=event_id,
            title=title,
            description=description,
            location=("Riverside lawn", "Room 5")[number],
            starts_at=start,
            ends_at=start + timedelta(hours=1),
            time_zone=organizer.tz,
            organizer_id=organizer.id,
            capacity=capacity,
            has_waitlist=True,
            card_channel=workspace.channel_named("events").id,
        )
        try:
            bot.service.create_event(draft)
        except DuplicateEvent:
            continue
        for member in users[-taken:]:
            bot.service.ensure_user(UserDraft.unnamed(member.id))
            bot.service.register(event_id, member.id)
    # The page opens with both cards, also before the worker's thread runs.
    bot.notification_worker.process_due_events()
