"""The environment: all that is wrong is named at once, and secrets stay in it (R10.4)."""

import pytest

from bot.entrypoints.settings import Settings, SettingsError

ALL = frozenset({"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"})
GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-1-secret",
    "SLACK_SIGNING_SECRET": "0123456789abcdef",
    "SLACK_APP_TOKEN": "xapp-1-secret",
    "ROLLCALL_STORE": "dynamodb",
}


def wrong(env: dict[str, str], needs: frozenset[str] = ALL) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_env(env, needs=needs)
    return str(error.value)


def test_everything_missing_is_named_at_once_with_what_would_be_right() -> None:
    lines = wrong({}).splitlines()
    assert [line.split()[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_APP_TOKEN",
        "ROLLCALL_STORE",
    ]
    assert "xoxb-" in lines[0]
    assert "sqlite:" in lines[3]


def test_everything_malformed_is_named_at_once_and_not_shown() -> None:
    """A token in the wrong variable is still a token: it reaches no log."""
    text = wrong(
        {
            "SLACK_BOT_TOKEN": "xapp-swapped",
            "SLACK_SIGNING_SECRET": "short",
            "SLACK_APP_TOKEN": "xoxb-swapped",
            "SLACK_API_URL": "slack.com/api",
            "ROLLCALL_STORE": "postgres",
            "ROLLCALL_TABLE_PREFIX": "with space",
            "ROLLCALL_API_TOKENS": "swapped-token-without-a-workspace",
        }
    )
    assert text.count("malformed") == 7
    assert "swapped" not in text


def test_token_with_a_newline_behind_it_is_malformed() -> None:
    """As a shell or a secret store may leave it: no header takes it."""
    assert "SLACK_BOT_TOKEN is malformed" in wrong(GOOD | {"SLACK_BOT_TOKEN": "xoxb-1\n"})


def test_command_asks_only_for_what_it_needs() -> None:
    assert Settings.from_env({"ROLLCALL_STORE": "sqlite:rollcall.sqlite"}).bot_token == ""


def test_store_has_no_default() -> None:
    """So that nobody's data lands where they did not mean it."""
    assert "ROLLCALL_STORE is missing" in wrong({}, frozenset())


def test_store_is_a_table_prefix_or_a_path() -> None:
    config = Settings.from_env(GOOD | {"ROLLCALL_TABLE_PREFIX": "staging-"})
    assert (config.store, config.table_prefix, config.sqlite_path) == ("dynamodb", "staging-", None)
    config = Settings.from_env(GOOD | {"ROLLCALL_STORE": "sqlite:a dir/rollcall.sqlite"})
    assert config.sqlite_path == "a dir/rollcall.sqlite"
    assert config.table_prefix == "rollcall-"


def test_lambda_refuses_a_file() -> None:
    text = wrong(GOOD | {"ROLLCALL_STORE": "sqlite:x", "AWS_LAMBDA_FUNCTION_NAME": "bot"})
    assert "must be dynamodb on Lambda" in text


def test_slack_api_is_slack_unless_the_environment_says_otherwise() -> None:
    assert Settings.from_env(GOOD).slack_api_url == "https://slack.com/api/"
    other = Settings.from_env(GOOD | {"SLACK_API_URL": "http://127.0.0.1:8765/api"})
    assert other.slack_api_url == "http://127.0.0.1:8765/api/"


@pytest.mark.parametrize("url", ["slack.com/api", "ftp://slack.com", "https://", "http://[::1"])
def test_slack_api_is_a_web_address(url: str) -> None:
    assert "SLACK_API_URL is malformed" in wrong(GOOD | {"SLACK_API_URL": url})


def test_secrets_are_not_in_its_repr() -> None:
    shown = repr(Settings.from_env(GOOD, needs=ALL))
    assert "secret" not in shown
    assert "0123456789abcdef" not in shown


@pytest.mark.parametrize(
    "value",
    [
        "T1",
        "T1=",
        "=token",
        "T1=two words",
        "T1=0123456789abcdef,,T2=0123456789abcdef",
        "t1=0123456789abcdef",
        "T1=0123456789abcde\u00fc",
        "T1=a-short-token",
    ],
)
def test_api_tokens_have_a_workspace_each(value: str) -> None:
    assert "ROLLCALL_API_TOKENS is malformed: it must be WORKSPACE=TOKEN" in wrong(
        GOOD | {"ROLLCALL_API_TOKENS": value}
    )


def test_an_api_token_is_good_for_its_workspace_alone() -> None:
    """R10.2: and several are for one, so that they can be replaced."""
    config = Settings.from_env(
        GOOD
        | {
            "ROLLCALL_API_TOKENS": "T1=the-old-one-of-ours, T2=the-other-one-of-theirs==,T1=the-new-one-of-ours"
        }
    )
    assert config.api_tokens_of("T1") == ("the-old-one-of-ours", "the-new-one-of-ours")
    assert config.api_tokens_of("T2") == ("the-other-one-of-theirs==",)
    assert config.api_tokens_of("T3") == ()
    assert "other" not in repr(config)
