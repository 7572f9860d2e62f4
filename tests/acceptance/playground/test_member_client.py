"""Signed member actions reach a real Bolt app, and its responses have the same effects as in Slack."""

from typing import Any

import pytest
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from playground.client.inputs import REQUIRED_FIELD
from playground.client.member_client import CONNECTION_TROUBLE, MemberClient
from playground.client.transport import BotResponse, into_app
from playground.demo.seed import EVENTS
from playground.workspace.model import Json, Member, Message, View
from playground.workspace.state import Workspace
from tests.support.slack.stand_in import (
    SECRET,
    Clock,
    Slack,
    button,
    field,
    modal,
    recording,
    section,
)

ADA = "U0AMARA"
TEXT = {"type": "plain_text_input"}


def post_card(slack: Slack, *elements: Json) -> Message:
    blocks = [section("A card"), {"type": "actions", "block_id": "row", "elements": [*elements]}]
    posted = slack.client.chat_postMessage(channel=EVENTS, text="A card", blocks=blocks)
    return slack.workspace.message(EVENTS, posted["ts"])


def open_modal(slack: Slack, view: Json) -> View:
    trigger = slack.workspace.new_trigger(ADA, EVENTS)
    opened = slack.client.views_open(trigger_id=trigger, view=view)["view"]["id"]
    found = slack.workspace.views.get(opened)
    assert found is not None
    return found


class TestCommands:
    def test_acknowledgement_is_shown_to_the_member_alone(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        @bot.command("/register")
        def answer(ack: Ack, command: dict[str, str]) -> None:
            ack(f"You typed {command['text']}")

        result = member_client.command(ADA, EVENTS, "/register", "tea")
        assert [message.text for message in result.ephemeral] == ["You typed tea"]
        assert slack.workspace.messages(EVENTS, "U0BJORN") == []

    def test_acknowledgement_in_channel_is_shown_to_all(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.command("/register")(lambda ack: ack(text="Hear", response_type="in_channel"))
        member_client.command(ADA, EVENTS, "/register")
        assert [m.text for m in slack.workspace.messages(EVENTS, "U0BJORN")] == ["Hear"]

    def test_typed_control_characters_arrive_escaped(
        self, bot: App, member_client: MemberClient
    ) -> None:
        bot.command("/register")(lambda ack, command: ack(repr(command["text"])))
        result = member_client.command(ADA, EVENTS, "/register", "Q&A <!channel>")
        assert result.ephemeral[0].text == "'Q&amp;A &lt;!channel&gt;'"

    def test_should_escape_replaces_names_with_mentions(
        self, bot: App, member_client: MemberClient
    ) -> None:
        bot.command("/mention")(lambda ack, command: ack(command["text"]))
        result = member_client.command(ADA, EVENTS, "/mention", "@bjorn in #events")
        assert result.ephemeral[0].text == "<@U0BJORN|bjorn> in <#C0EVENTS|events>"

    def test_name_that_begins_with_another_is_the_longer_one(
        self, workspace: Workspace, bot: App, member_client: MemberClient
    ) -> None:
        workspace.put_member(Member("U0BJORN2", "bjorn2", "Björn Two"))
        bot.command("/mention")(lambda ack, command: ack(command["text"]))
        result = member_client.command(ADA, EVENTS, "/mention", "@bjorn2")
        assert result.ephemeral[0].text == "<@U0BJORN2|bjorn2>"

    def test_undeclared_command_never_reaches_the_bot(self, member_client: MemberClient) -> None:
        assert (
            member_client.command(ADA, EVENTS, "/nope").failure == "/nope is not a valid command."
        )

    def test_unhandled_command_is_a_dispatch_failure(self, member_client: MemberClient) -> None:
        result = member_client.command(ADA, EVENTS, "/register")
        assert result.failure == "/register failed with the error “dispatch_failed”"

    def test_answer_after_three_seconds_is_a_timeout_and_not_shown(
        self, bot: App, member_client: MemberClient, clock: Clock
    ) -> None:
        @bot.command("/register")
        def late(ack: Ack) -> None:
            clock.advance(3.1)
            ack("too late")

        result = member_client.command(ADA, EVENTS, "/register")
        assert result.failure == "/register failed with the error “operation_timeout”"
        assert result.messages == []

    def test_blocks_in_acknowledgement_obey_limits(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.command("/register")(lambda ack: ack(text="x", blocks=[section("y" * 3001)]))
        result = member_client.command(ADA, EVENTS, "/register")
        assert result.failure == "/register failed with the error “invalid_blocks”"
        assert "must be less than 3001 characters" in slack.workspace.refusals[0]

    def test_wrong_signature_is_refused_by_the_bot(self, bot: App, slack: Slack) -> None:
        bot.command("/register")(lambda ack: ack("never"))
        forger = MemberClient(slack.workspace, into_app(bot), "another secret")
        result = forger.command(ADA, EVENTS, "/register")
        assert result.response is not None
        assert result.response.status == 401

    def test_unreachable_bot_is_a_dispatch_failure(self, slack: Slack) -> None:
        def unreachable(body: bytes, headers: object) -> BotResponse:
            raise ConnectionRefusedError

        result = MemberClient(slack.workspace, unreachable, SECRET).command(
            ADA, EVENTS, "/register"
        )
        assert result.failure == "/register failed with the error “dispatch_failed”"


class TestClicks:
    def test_body_of_an_acknowledgement_is_ignored(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.action("go")(lambda ack: ack("ignored"))
        result = member_client.click(ADA, post_card(slack, button("go")), "go")
        assert result.messages == []
        assert result.failure is None

    def test_payload_names_message_channel_member_and_value(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        got: list[Json] = []
        bot.action("go")(recording(got))
        card = post_card(slack, button("go", "7"))
        member_client.click(ADA, card, "go")
        (body,) = got
        assert body["container"]["message_ts"] == body["message"]["ts"] == card.ts
        assert body["channel"] == {"id": EVENTS, "name": "events"}
        assert body["user"]["id"] == ADA
        assert body["actions"][0]["value"] == "7"

    def test_respond_ephemerally_leaves_the_card(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        @bot.action("go")
        def answer(ack: Ack, respond: Respond) -> None:
            respond("You have a seat", response_type="ephemeral", replace_original=False)
            ack()

        card = post_card(slack, button("go"))
        result = member_client.click(ADA, card, "go")
        assert [message.text for message in result.ephemeral] == ["You have a seat"]
        assert slack.workspace.message(EVENTS, card.ts) == card

    def test_respond_with_neither_flag_replaces_the_card(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        """This is Slack's default for a click."""
        bot.action("go")(lambda ack, respond: (respond("Gone"), ack()))
        card = post_card(slack, button("go"))
        member_client.click(ADA, card, "go")
        assert slack.workspace.message(EVENTS, card.ts).text == "Gone"

    def test_button_in_ephemeral_message_can_replace_it(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        blocks = [{"type": "actions", "elements": [button("yes")]}]
        bot.command("/register")(lambda ack: ack(text="Sure?", blocks=blocks))
        got: list[Json] = []

        @bot.action("yes")
        def answer(ack: Ack, respond: Respond, body: Json) -> None:
            got.append(body)
            respond("Done", replace_original=True)
            ack()

        (question,) = member_client.command(ADA, EVENTS, "/register").ephemeral
        (answered,) = member_client.click(ADA, question, "yes").ephemeral
        assert (answered.ts, answered.text, answered.blocks) == (question.ts, "Done", [])
        assert got[0]["container"]["is_ephemeral"]
        assert "message" not in got[0]

    def test_delete_original_removes_the_message(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.action("go")(lambda ack, respond: (respond(delete_original=True), ack()))
        member_client.click(ADA, post_card(slack, button("go")), "go")
        assert slack.workspace.messages(EVENTS) == []

    def test_value_distinguishes_buttons_with_the_same_action_id(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.action("go")(lambda ack, respond, action: (respond(action["value"]), ack()))
        row = {"type": "actions", "elements": [button("go", "2")]}
        blocks = [{"type": "actions", "elements": [button("go", "1")]}, row]
        posted = slack.client.chat_postMessage(channel=EVENTS, text="x", blocks=blocks)
        card = slack.workspace.message(EVENTS, posted["ts"])
        result = member_client.click(ADA, card, "go", "2")
        assert result.messages[0].text == "2"

    def test_error_for_a_missing_element_lists_the_existing_ones(
        self, member_client: MemberClient, slack: Slack
    ) -> None:
        with pytest.raises(LookupError, match="go"):
            member_client.click(ADA, post_card(slack, button("go")), "stop")

    def test_overflow_choice_arrives_as_its_option(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        option = {"text": {"type": "plain_text", "text": "Edit"}, "value": "edit"}
        menu = {"type": "overflow", "action_id": "more", "options": [option]}
        got: list[Json] = []
        bot.action("more")(recording(got))
        member_client.click(ADA, post_card(slack, menu), "more", selected="edit")
        assert got[0]["actions"][0]["selected_option"] == option

    def test_exception_in_a_listener_is_a_failure(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        @bot.action("go")
        def explode(ack: Ack) -> None:
            raise RuntimeError

        assert member_client.click(ADA, post_card(slack, button("go")), "go").failure


class TestModals:
    def test_click_opens_a_modal_with_its_trigger(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        @bot.action("go")
        def show(ack: Ack, client: WebClient, body: Json) -> None:
            client.views_open(trigger_id=body["trigger_id"], view=modal(field("name", TEXT)))
            ack()

        result = member_client.click(ADA, post_card(slack, button("go")), "go")
        assert result.view is not None
        assert result.view.title == "Title"

    def test_state_arrives_and_empty_acknowledgement_closes(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        got: list[Json] = []
        bot.view("form")(recording(got))
        form = modal(field("name", TEXT), callback_id="form", private_metadata="x")
        view = open_modal(slack, form)
        result = member_client.submit(ADA, view.id, {("name", "value"): "Tea"})
        held = {"type": "plain_text_input", "value": "Tea"}
        assert got[0]["view"]["state"]["values"] == {"name": {"value": held}}
        assert got[0]["view"]["private_metadata"] == "x"
        assert result.view is None

    def test_field_errors_are_shown_and_input_is_kept(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.view("form")(lambda ack: ack(response_action="errors", errors={"name": "Too odd"}))
        view = open_modal(slack, modal(field("name", TEXT), callback_id="form"))
        result = member_client.submit(ADA, view.id, {("name", "value"): "Tea"})
        assert result.errors == {"name": "Too odd"}
        assert result.view is not None
        assert result.view.state["name"]["value"]["value"] == "Tea"

    def test_errors_for_a_block_without_an_input_are_a_failure(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.view("form")(lambda ack: ack(response_action="errors", errors={"nome": "Oops"}))
        view = open_modal(slack, modal(field("name", TEXT), callback_id="form"))
        assert (
            member_client.submit(ADA, view.id, {("name", "value"): "x"}).failure
            == CONNECTION_TROUBLE
        )

    @pytest.mark.parametrize(
        ("action", "titles"), [("update", ["New"]), ("push", ["Title", "New"])]
    )
    def test_update_replaces_and_push_stacks(
        self, bot: App, member_client: MemberClient, slack: Slack, action: str, titles: list[str]
    ) -> None:
        new = modal(section("done"), title={"type": "plain_text", "text": "New"})
        bot.view("form")(lambda ack: ack(response_action=action, view=new))
        view = open_modal(slack, modal(field("name", TEXT, optional=True), callback_id="form"))
        member_client.submit(ADA, view.id)
        assert [each.title for each in slack.workspace.views.stack(ADA)] == titles

    def test_view_beyond_limits_in_an_acknowledgement_is_a_failure(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        new = modal(section("x"), title={"type": "plain_text", "text": "x" * 25})
        bot.view("form")(lambda ack: ack(response_action="update", view=new))
        view = open_modal(slack, modal(section("x"), callback_id="form"))
        assert member_client.submit(ADA, view.id).failure == CONNECTION_TROUBLE

    def test_clear_closes_the_whole_stack(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.view("form")(lambda ack: ack(response_action="clear"))
        open_modal(slack, modal(section("below")))
        above = slack.workspace.views.push(ADA, modal(section("above"), callback_id="form"))
        assert member_client.submit(ADA, above.id).view is None

    def test_client_stops_an_empty_required_field(
        self, member_client: MemberClient, slack: Slack
    ) -> None:
        view = open_modal(slack, modal(field("name", TEXT)))
        result = member_client.submit(ADA, view.id)
        assert result.errors == {"name": REQUIRED_FIELD}
        assert result.response is None

    def test_without_client_checks_anything_reaches_the_bot(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.view("form")(lambda ack: ack(response_action="errors", errors={"n": "Not ten"}))
        number = {"type": "number_input", "is_decimal_allowed": False}
        view = open_modal(slack, modal(field("n", number), callback_id="form"))
        values = {("n", "value"): "ten"}
        assert member_client.submit(ADA, view.id, values).errors == {"n": "Enter a whole number."}
        result = member_client.submit(ADA, view.id, values, client_checks=False)
        assert result.errors == {"n": "Not ten"}

    def test_close_is_sent_only_with_notify_on_close(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        got: list[Json] = []
        bot.view_closed("form")(recording(got))
        quiet = open_modal(slack, modal(section("x"), callback_id="form"))
        member_client.close(ADA, quiet.id)
        loud = open_modal(slack, modal(section("x"), callback_id="form", notify_on_close=True))
        assert member_client.close(ADA, loud.id).view is None
        assert [body["view"]["id"] for body in got] == [loud.id]

    def test_updated_view_keeps_input_despite_a_new_initial_value(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        """As in Slack's clients, a new initial value needs a new block id."""

        @bot.action("more")
        def grow(ack: Ack, client: WebClient, body: Json) -> None:
            form = modal(field("name", {**TEXT, "initial_value": "new"}), field("age", TEXT))
            client.views_update(view_id=body["view"]["id"], view=form)
            ack()

        row = {"type": "actions", "elements": [button("more")]}
        view = open_modal(slack, modal(field("name", TEXT), row))
        result = member_client.click(ADA, view, "more", values={("name", "value"): "typed"})
        assert result.view is not None
        assert result.view.state["name"]["value"]["value"] == "typed"
        assert result.view.state["age"]["value"]["value"] is None

    def test_only_a_suggested_option_can_be_chosen(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        got: list[Json] = []
        lima = {"text": {"type": "plain_text", "text": "Lima"}, "value": "America/Lima"}
        bot.options("value")(lambda ack, payload: ack(options=[lima]))
        bot.view("form")(recording(got))
        select = {"type": "external_select"}
        view = open_modal(slack, modal(field("zone", select), callback_id="form"))
        assert member_client.options(ADA, view.id, "value", "zone", "lim").options == [lima]
        with pytest.raises(ValueError, match="Asia/Tokyo"):
            member_client.submit(ADA, view.id, {("zone", "value"): "Asia/Tokyo"})
        member_client.submit(ADA, view.id, {("zone", "value"): "America/Lima"})
        assert got[0]["view"]["state"]["values"]["zone"]["value"]["selected_option"] == lima

    def test_too_many_options_are_refused(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        many = [{"text": {"type": "plain_text", "text": "x"}, "value": str(n)} for n in range(101)]
        bot.options("value")(lambda ack: ack(options=many))
        view = open_modal(slack, modal(field("zone", {"type": "external_select"})))
        assert member_client.options(ADA, view.id, "value").failure == "invalid_options"


OPTION = {"text": {"type": "plain_text", "text": "One"}, "value": "1"}
SHAPES: list[tuple[Json, Any, Json]] = [
    (TEXT, "a", {"value": "a"}),
    ({"type": "number_input", "is_decimal_allowed": False}, 4, {"value": "4"}),
    ({"type": "email_text_input"}, "a@b.example", {"value": "a@b.example"}),
    ({"type": "url_text_input"}, "https://b.example", {"value": "https://b.example"}),
    ({"type": "datepicker"}, "2026-12-01", {"selected_date": "2026-12-01"}),
    ({"type": "timepicker"}, "18:30", {"selected_time": "18:30"}),
    ({"type": "datetimepicker"}, 1_800_000_000, {"selected_date_time": 1_800_000_000}),
    ({"type": "static_select", "options": [OPTION]}, "1", {"selected_option": OPTION}),
    ({"type": "radio_buttons", "options": [OPTION]}, "1", {"selected_option": OPTION}),
    ({"type": "checkboxes", "options": [OPTION]}, ["1"], {"selected_options": [OPTION]}),
    ({"type": "multi_static_select", "options": [OPTION]}, ["1"], {"selected_options": [OPTION]}),
    ({"type": "users_select"}, ADA, {"selected_user": ADA}),
    ({"type": "multi_users_select"}, [ADA], {"selected_users": [ADA]}),
    ({"type": "channels_select"}, EVENTS, {"selected_channel": EVENTS}),
    ({"type": "conversations_select"}, EVENTS, {"selected_conversation": EVENTS}),
]


@pytest.mark.parametrize(("element", "value", "held"), SHAPES, ids=[s[0]["type"] for s in SHAPES])
def test_plain_value_becomes_the_state_of_its_element(
    bot: App, member_client: MemberClient, slack: Slack, element: Json, value: Any, held: Json
) -> None:
    got: list[Json] = []
    bot.view("form")(recording(got))
    view = open_modal(slack, modal(field("it", element), callback_id="form"))
    member_client.submit(ADA, view.id, {("it", "value"): value})
    assert got[0]["view"]["state"]["values"]["it"]["value"] == {"type": element["type"], **held}


def test_current_conversation_is_the_channel_where_the_modal_was_opened(slack: Slack) -> None:
    element = {"type": "conversations_select", "default_to_current_conversation": True}
    view = open_modal(slack, modal(field("where", element)))
    assert view.state["where"]["value"]["selected_conversation"] == EVENTS


class TestEvents:
    def test_opening_home_lets_the_bot_publish_it(
        self, bot: App, member_client: MemberClient
    ) -> None:
        @bot.event("app_home_opened")
        def publish(client: WebClient, event: Json) -> None:
            home = {"type": "home", "blocks": [section("Welcome")]}
            client.views_publish(user_id=event["user"], view=home)

        home = member_client.open_home(ADA).home
        assert home is not None
        assert home.blocks[0]["text"]["text"] == "Welcome"

    def test_direct_message_reaches_the_bot_with_what_was_typed_escaped(
        self, bot: App, member_client: MemberClient, slack: Slack
    ) -> None:
        bot.event("message")(lambda say, event: say(f"{event['channel_type']}: {event['text']}"))
        result = member_client.say(ADA, slack.workspace.dm(ADA).id, "a < b")
        assert [m.text for m in result.messages] == ["a &lt; b", "im: a &lt; b"]

    def test_deactivation_sends_user_change(self, bot: App, member_client: MemberClient) -> None:
        got: list[Json] = []
        bot.event("user_change")(lambda event: got.append(event["user"]))
        member_client.update_member("U0BJORN", deleted=True)
        assert (got[0]["id"], got[0]["deleted"]) == ("U0BJORN", True)

    def test_failed_event_is_retried_once(self, slack: Slack) -> None:
        retries: list[str | None] = []

        def failing(body: bytes, headers: Any) -> BotResponse:
            retries.append(headers.get("X-Slack-Retry-Num"))
            return BotResponse(500)

        MemberClient(slack.workspace, failing, SECRET).event({"type": "tokens_revoked"})
        assert retries == [None, "1"]

    def test_request_url_is_verified(self, member_client: MemberClient) -> None:
        assert member_client.verify_url("3eZbrw1aB")
