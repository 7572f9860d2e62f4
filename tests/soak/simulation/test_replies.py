"""What members may hear in a direct message, because it can't be said where they acted."""

from __future__ import annotations

from bot.features.browsing.choice_views import registration_choice
from bot.features.manage.attendee_views import removal_message
from domain.commands import UnregisterOutcome
from domain.search import FoundRegistrations
from tests.support.builders import a_registration, an_event
from tests.support.simulation.requests import SlackRequest
from tests.support.simulation.world import World


def test_organizer_may_hear_of_a_removal_late() -> None:
    """Found by seed 21328: the removal was unconfirmed when its form was closed."""
    replies = World(0).judge.replies
    removed = UnregisterOutcome(an_event(), a_registration(), ())
    replies.requests.append(SlackRequest("UORG0", "remove", 0.0, answers=[removed]))
    assert ("UORG0", removal_message(removed, {}).text) in replies.in_direct_messages()


def test_member_may_hear_of_a_choice_late() -> None:
    """Found by seed 31604: with a slow store, Slack had given the command up, and took the reply later."""
    replies = World(0).judge.replies
    found = FoundRegistrations(())
    choice = registration_choice(found, "id8").text
    request = SlackRequest("U001", "/unregister", 0.0, answers=[found], lists=[choice])
    replies.requests.append(request)
    assert ("U001", choice) in replies.in_direct_messages()
