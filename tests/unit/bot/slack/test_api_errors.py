"""The class of every error that Slack documents for the methods that the bot calls (R8.12, R9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.slack.api_errors import (
    DEFAULT_RETRY_SECONDS,
    ErrorClass,
    FileNotTaken,
    classify,
)

APP, RECIPIENT, TEMPORARY = ErrorClass.APP, ErrorClass.RECIPIENT, ErrorClass.TEMPORARY
LIMITED, BUG = ErrorClass.RATE_LIMITED, ErrorClass.BUG
NO_FILES, OUTDATED = ErrorClass.NO_FILES, ErrorClass.OUTDATED

UPLOADS = ("conversations.open", "files.getUploadURLExternal", "files.completeUploadExternal")

EVERY_METHOD = {
    APP: """access_denied accesslimited account_inactive deprecated_endpoint ekm_access_denied
        enterprise_is_restricted invalid_auth is_bot method_deprecated no_permission
        not_allowed_token_type not_authed org_login_required team_access_not_granted token_expired
        token_revoked two_factor_setup_required unknown_method""",
    TEMPORARY: "fatal_error internal_error request_timeout service_unavailable team_added_to_org",
    LIMITED: "ratelimited",
    BUG: """invalid_arg_name invalid_arguments invalid_array_arg invalid_charset invalid_form_data
        invalid_post_type missing_post_type""",
}
"""What Slack's method reference lists for every method, except `missing_scope`."""

VIEW = {BUG: "duplicate_external_id view_too_large"}
TRIGGER = {OUTDATED: "exchanged_trigger_id expired_trigger_id", BUG: "invalid_trigger_id"}

DOCUMENTED: Mapping[str, tuple[Mapping[ErrorClass, str], ...]] = {
    "auth.test": ({},),
    "apps.connections.open": ({APP: "forbidden_team", BUG: "insecure_request missing_args"},),
    # Nothing is sent: for `rollcall validate`, these are the answer.
    "blocks.validate": ({BUG: "invalid_blocks invalid_message invalid_view"},),
    "chat.postMessage": (
        {
            APP: "app_access_restricted messages_tab_disabled",
            # The last four are not on the method's page.
            RECIPIENT: """channel_not_found is_archived not_in_channel
                restricted_action restricted_action_non_threadable_channel
                restricted_action_read_only_channel
                restricted_action_thread_locked restricted_action_thread_only_channel
                cannot_dm_bot user_disabled user_not_found user_not_visible""",
            LIMITED: "message_limit_exceeded rate_limited",
            BUG: """as_user_not_supported attachment_payload_limit_exceeded cannot_reply_to_message
                draft_already_deleted draft_already_sent draft_has_conflict draft_not_found
                duplicate_channel_not_found duplicate_message_not_found invalid_blocks
                invalid_blocks_format invalid_metadata_format invalid_metadata_schema
                markdown_text_conflict metadata_must_be_sent_from_app metadata_too_large
                missing_file_data msg_blocks_too_long msg_too_long no_text
                send_on_behalf_not_allowed slack_connect_canvas_sharing_blocked
                slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked
                team_not_found too_many_attachments too_many_contact_cards""",
        },
    ),
    "chat.update": (
        {
            RECIPIENT: """cant_update_message channel_not_found edit_window_closed is_inactive
                message_not_found""",
            TEMPORARY: "external_channel_migrating update_failed",
            LIMITED: "message_limit_exceeded",
            BUG: """as_user_not_supported block_mismatch blocked_file_type cant_broadcast_message
                file_deleted file_is_deleted file_not_found file_share_limit_reached
                invalid_attachments invalid_blocks invalid_blocks_format invalid_metadata_format
                invalid_metadata_schema markdown_text_conflict max_file_sharing_exceeded
                metadata_must_be_sent_from_app metadata_too_large msg_too_long
                no_dual_broadcast_content_update no_text posting_to_channel_denied
                slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked
                slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked
                slack_connect_file_upload_sharing_blocked streaming_state_conflict team_not_found
                too_many_attachments unable_to_share_files""",
        },
    ),
    "conversations.info": ({RECIPIENT: "channel_is_limited_access channel_not_found"},),
    "conversations.open": (
        {
            RECIPIENT: """cannot_dm_bot channel_not_found invalid_user_combination user_disabled
                user_not_found user_not_visible""",
            BUG: """method_not_supported_for_channel_type not_enough_users too_many_users
                users_list_not_supplied""",
        },
    ),
    "files.getUploadURLExternal": (
        {
            NO_FILES: """blocked_file_type file_type_not_allowed file_upload_size_restricted
                file_uploads_disabled file_uploads_except_images_disabled storage_limit_reached""",
            BUG: """alt_txt_too_large missing_argument snippet_too_large unknown_snippet_type
                unknown_subtype""",
        },
    ),
    "files.completeUploadExternal": (
        {
            RECIPIENT: "channel_not_found invalid_channel not_in_channel",
            TEMPORARY: "file_update_failed",
            NO_FILES: """file_type_not_allowed file_uploads_except_images_disabled
                posting_to_channel_denied""",
            BUG: "channels_limit_exceeded file_not_found invalid_blocks",
        },
    ),
    "users.info": ({RECIPIENT: "user_not_found user_not_visible", BUG: "too_many_users"},),
    "users.list": ({BUG: "invalid_cursor limit_required missing_argument"},),
    "views.open": (VIEW, TRIGGER),
    "views.push": (VIEW, TRIGGER, {OUTDATED: "not_found push_limit_reached"}),
    "views.update": (VIEW, {OUTDATED: "not_found", BUG: "hash_conflict"}),
    "views.publish": (
        VIEW,
        {APP: "not_enabled", BUG: "hash_conflict missing_profile_id not_implemented"},
    ),
}
"""What Slack's reference lists for each method that the bot calls, by what to do about it."""


def error(method: str, code: str, status: int = 200, **headers: str) -> SlackApiError:
    response = SlackResponse(
        client=None,
        http_verb="POST",
        api_url=f"http://127.0.0.1/api/{method}",
        req_args={},
        data={"ok": False, "error": code},
        headers=headers,
        status_code=status,
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]  # the SDK has no types


def documented() -> Iterator[tuple[str, str, ErrorClass]]:
    for method, parts in DOCUMENTED.items():
        scope = {NO_FILES if method in UPLOADS else APP: "missing_scope"}
        for part in (EVERY_METHOD, scope, *parts):
            for error_class, codes in part.items():
                for code in codes.split():
                    yield method, code, error_class


@pytest.mark.parametrize("method", DOCUMENTED)
def test_documented_errors_have_their_class(method: str) -> None:
    expected = {code: one for name, code, one in documented() if name == method}
    found = {code: classify(error(method, code)) for code in expected}
    assert {code: one.error_class for code, one in found.items()} == expected
    assert all(one.reason == code for code, one in found.items())


def test_table_has_every_method_that_the_bot_calls() -> None:
    """Bolt calls `auth.test`."""
    called = {
        match
        for path in Path("bot").rglob("*.py")
        for match in re.findall(r"\bclient\.(\w+_\w+)\b", path.read_text())
        if hasattr(WebClient, match)
    }
    assert "chat_postMessage" in called
    assert called <= {method.replace(".", "_") for method in DOCUMENTED}


def test_unknown_error_is_a_bug() -> None:
    assert classify(error("chat.postMessage", "purple_moon")).error_class is BUG


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_error_is_temporary_whatever_its_code(status: int) -> None:
    assert classify(error("chat.postMessage", "invalid_auth", status)).error_class is TEMPORARY


@pytest.mark.parametrize("code", ["", "<html>", "Bad Gateway"])
def test_response_without_slacks_code_is_temporary(code: str) -> None:
    found = classify(error("views.open", code))
    assert (found.error_class, found.reason) == (
        TEMPORARY,
        "status 200, with no error code of Slack's",
    )


@pytest.mark.parametrize("header", ["retry-after", "Retry-After"])
def test_rate_limit_says_when_to_try_again(header: str) -> None:
    found = classify(error("users.list", "", 429, **{header: "7"}))
    assert (found.error_class, found.reason, found.retry_after) == (LIMITED, "ratelimited", 7)


def test_message_limit_is_tried_again_after_half_a_minute() -> None:
    found = classify(error("chat.postMessage", "message_limit_exceeded"))
    assert (found.error_class, found.retry_after) == (LIMITED, DEFAULT_RETRY_SECONDS)


@pytest.mark.parametrize("lost", [TimeoutError(), ConnectionResetError(), HTTPException()])
def test_lost_connection_is_temporary(lost: Exception) -> None:
    assert classify(lost).error_class is TEMPORARY


REFUSED = dict.fromkeys((400, 403, 404, 413), NO_FILES)
LATER = {408: TEMPORARY, 429: LIMITED, 500: TEMPORARY, 503: TEMPORARY}


@pytest.mark.parametrize(("status", "error_class"), (REFUSED | LATER).items())
def test_refused_content_of_a_file(status: int, error_class: ErrorClass) -> None:
    assert classify(FileNotTaken(status)).error_class is error_class
