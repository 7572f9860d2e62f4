"""Settings: all problems are named together, and secrets never leave them (R10.4)."""

import re
from pathlib import Path

import pytest

from bot.entrypoints.settings import Settings, SettingsError

ALL = frozenset({"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN"})
GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-1-secret",
    "SLACK_SIGNING_SECRET": "0123456789abcdef",
    "SLACK_APP_TOKEN": "xapp-1-secret",
    "ROLLCALL_STORE": "dynamodb",
}


def problems_of(env: dict[str, str], needs: frozenset[str] = ALL) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_env(env, needs=needs)
    return str(error.value)


def test_all_missing_variables_are_named_with_a_valid_form() -> None:
    lines = problems_of({}).splitlines()
    assert [line.split()[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "SLACK_APP_TOKEN",
        "ROLLCALL_STORE",
    ]
    assert "xoxb-" in lines[0]
    assert "sqlite:" in lines[3]


def test_all_malformed_variables_are_named_without_their_values() -> None:
    """A token in the wrong variable is still a secret."""
    text = problems_of(
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


DOCS = [Path("README.md"), Path("docs/operations.md"), *Path(".slack").glob("*.sh")]

SECRET = re.compile(
    r"\b(SLACK_BOT_TOKEN|SLACK_APP_TOKEN|SLACK_SIGNING_SECRET|ROLLCALL_API_TOKENS)\"?[=:] ?\"?([^\s`\"]+)"
)


def test_every_placeholder_of_the_documentation_is_refused_by_name() -> None:
    """R10.3. All are named at once."""
    documented = [found for path in DOCS for found in SECRET.findall(path.read_text())]
    found = [(name, value) for name, value in documented if "$" not in value]
    assert {name for name, _ in found} >= ALL - {"SLACK_SIGNING_SECRET"} | {"ROLLCALL_API_TOKENS"}
    for name, value in found:
        assert f"{name} is " in problems_of(GOOD | {name: value}), value
    text = problems_of(GOOD | dict(found), frozenset())
    assert all(f"{name} is " in text for name, _ in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-YOUR-TOKEN"),
        ("SLACK_BOT_TOKEN", "xoxb-..."),
        ("SLACK_BOT_TOKEN", "xoxb-your-token"),
        ("SLACK_APP_TOKEN", "xapp-YOUR-TOKEN"),
        ("SLACK_APP_TOKEN", "xapp-..."),
        ("ROLLCALL_API_TOKENS", "T0123456789=choose-a-long-random-token"),
        ("ROLLCALL_API_TOKENS", "T1=bGq0vT8s9rY1aZ4c,T2=choose-a-long-random-token"),
    ],
)
def test_placeholder_is_refused_without_its_value(name: str, value: str) -> None:
    """R10.3: everyone can read it."""
    text = problems_of(GOOD | {name: value})
    assert f"{name} is still a placeholder: it must be " in text
    assert value not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-2511887309-6410233712-YourXxxChooseExampleTodo"),
        ("SLACK_BOT_TOKEN", "xoxb-your-own-token"),
        ("SLACK_SIGNING_SECRET", "hold-your-horses"),
        ("SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
        ("ROLLCALL_API_TOKENS", "T1=yourself-and-examples-of-it"),
        ("ROLLCALL_API_TOKENS", "T1=example-8f742231b10e"),
        ("ROLLCALL_API_TOKENS", "T1=choose-your-own-adventure"),
    ],
)
def test_secret_that_resembles_a_placeholder_is_accepted(name: str, value: str) -> None:
    Settings.from_env(GOOD | {name: value}, needs=ALL)


def test_token_that_ends_with_a_newline_is_malformed() -> None:
    """A shell or a secret store may leave one, and no HTTP header can hold it."""
    assert "SLACK_BOT_TOKEN is malformed" in problems_of(GOOD | {"SLACK_BOT_TOKEN": "xoxb-1\n"})


def test_only_the_variables_that_a_command_needs_are_required() -> None:
    assert Settings.from_env({"ROLLCALL_STORE": "sqlite:rollcall.sqlite"}).bot_token == ""


def test_store_has_no_default() -> None:
    """You choose where data goes."""
    assert "ROLLCALL_STORE is missing" in problems_of({}, frozenset())


def test_store_is_a_table_prefix_or_a_path() -> None:
    settings = Settings.from_env(GOOD | {"ROLLCALL_TABLE_PREFIX": "staging-"})
    assert (settings.store, settings.table_prefix, settings.sqlite_path) == (
        "dynamodb",
        "staging-",
        None,
    )
    settings = Settings.from_env(GOOD | {"ROLLCALL_STORE": "sqlite:a dir/rollcall.sqlite"})
    assert settings.sqlite_path == "a dir/rollcall.sqlite"
    assert settings.table_prefix == "rollcall-"


def test_sqlite_is_refused_on_lambda() -> None:
    text = problems_of(GOOD | {"ROLLCALL_STORE": "sqlite:x", "AWS_LAMBDA_FUNCTION_NAME": "bot"})
    assert "ROLLCALL_STORE must be dynamodb" in text


def test_slack_api_url_defaults_to_slack() -> None:
    assert Settings.from_env(GOOD).slack_api_url == "https://slack.com/api/"
    other = Settings.from_env(GOOD | {"SLACK_API_URL": "http://127.0.0.1:8765/api"})
    assert other.slack_api_url == "http://127.0.0.1:8765/api/"


@pytest.mark.parametrize("url", ["slack.com/api", "ftp://slack.com", "https://", "http://[::1"])
def test_slack_api_url_must_be_a_web_address(url: str) -> None:
    assert "SLACK_API_URL is malformed" in problems_of(GOOD | {"SLACK_API_URL": url})


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
def test_malformed_api_tokens_are_refused(value: str) -> None:
    assert "ROLLCALL_API_TOKENS is malformed: it must be WORKSPACE=TOKEN" in problems_of(
        GOOD | {"ROLLCALL_API_TOKENS": value}
    )


def test_api_token_is_for_one_workspace() -> None:
    """R10.2. A workspace can have several, to replace one without a gap."""
    settings = Settings.from_env(
        GOOD
        | {
            "ROLLCALL_API_TOKENS": "T1=the-old-one-of-ours, T2=the-other-one-of-theirs==,T1=the-new-one-of-ours"
        }
    )
    assert settings.api_tokens_of("T1") == ("the-old-one-of-ours", "the-new-one-of-ours")
    assert settings.api_tokens_of("T2") == ("the-other-one-of-theirs==",)
    assert settings.api_tokens_of("T3") == ()
    assert "other" not in repr(settings)
