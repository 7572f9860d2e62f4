"""The demo workspace: six members in six time zones, three public channels and a private one."""

from collections.abc import Callable
from pathlib import Path

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


def seed(workspace: Workspace) -> None:
    """Fills an empty workspace with the demo's members and channels; leaves one that has members alone.

    The bot is in the public channels, and in the private #leads only once it is invited.
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
    """The demo workspace, in memory or in a file, seeded if it is new."""
    workspace = Workspace(app, now=now, path=path)
    seed(workspace)
    return workspace
