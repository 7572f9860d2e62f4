"""Arbitrary and mutated payloads, validly signed, through the real HTTP layer and app (R8.9, R8.11, R8.12, R10).

Every payload gets a response, with a 5xx only if there is no way to reply. It makes no change that its person may
not make, and sends nothing that Slack would refuse; the data stays sound. The totals below pytest's report say how
many payloads of each kind were sent; `make soak` sends thousands, always the same ones. With
ARGS="--hypothesis-seed=random" they are new, from a seed that is printed and can be given instead of "random".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import Any, Protocol, TypeVar

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from bot.blocks.ids import ActionId, BlockId, CallbackId, EventOption
from bot.entrypoints.manifest import PATH
from bot.slack.refusals import OtherWorkspace
from tests.support.counting import Count
from tests.support.fuzz.answers import check_exchange, is_alarm
from tests.support.fuzz.bot_over_http import Exchange, FuzzedBot, edge
from tests.support.fuzz.corpus import Seed
from tests.support.fuzz.mutations import FORM, JSON, Case, Mutation, cases, encoded, paths, used
from tests.support.fuzz.permissions import PayloadRequest
from tests.support.fuzz.values import IDS, MOMENTS, NUMBERS, TEXTS
from tests.support.scale import scaled
from tests.support.slack import sentences

# A press in App Home has more than 30,000 characters, and a failure prints it whole.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

T = TypeVar("T")

SOAK = 8
"""Factor on the number of examples in a soak."""

runs = pytest.mark.parametrize(
    "times",
    [
        pytest.param(1, marks=pytest.mark.short),
        pytest.param(SOAK, marks=pytest.mark.soak),
    ],
)


@pytest.fixture(scope="module")
def at(server: tuple[Any, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedBot]:
    with edge(server, tmp_path_factory.mktemp("edge")) as made:
        yield made


class Fuzz(Protocol):
    def __call__(
        self, strategy: st.SearchStrategy[T], check: Callable[[T], None], examples: int, times: int
    ) -> None:
        """Check this many examples, this many times over."""


@pytest.fixture
def fuzz(at: FuzzedBot, count: Count, pytestconfig: pytest.Config) -> Iterator[Fuzz]:
    asked_for = pytestconfig.getoption("--hypothesis-seed")
    begins = SystemRandom().randrange(2**32) if asked_for == "random" else int(asked_for or 0)
    print(f"\nseed {begins}")  # noqa: T201

    def run(
        strategy: st.SearchStrategy[T], check: Callable[[T], None], examples: int, times: int
    ) -> None:
        def checked(drawn: T) -> None:
            note(repr(drawn))
            check(drawn)

        budget = settings(
            max_examples=scaled(examples) * times,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        seed(begins)(budget(given(strategy)(checked)))()

    before = at.sent.copy()
    yield run
    for name, number in (at.sent - before).items():
        count("payloads fuzzed", number)
        count(f"payloads fuzzed: {name}", number)


# The corpus


def test_every_id_and_every_command_is_in_the_corpus(at: FuzzedBot) -> None:
    """A new button, form, field or command must be in the corpus."""
    found: dict[str, set[str]] = {}
    for each in at.seeds:
        for kind, ids in used(each.payload).items():
            found.setdefault(kind, set()).update(ids)
    manifest = yaml.safe_load(PATH.read_text())
    commands = {command["command"] for command in manifest["features"]["slash_commands"]}
    assert found["action"] >= set(ActionId)
    assert found["block"] >= set(BlockId)
    sends_nothing = {CallbackId.ANSWER_TOTALS}  # it has neither buttons nor inputs
    assert found["callback"] == set(CallbackId) - sends_nothing
    assert found["option"] | {EventOption.LISTED} >= set(EventOption)
    assert found["command"] == commands
    events = {each.payload["event"]["type"] for each in at.seeds if each.kind == "event"}
    assert events >= set(manifest["settings"]["event_subscriptions"]["bot_events"])
    asked_for = {each.payload["action_id"] for each in at.seeds if "action_id" in each.payload}
    assert asked_for == {ActionId.EVENT, ActionId.TIME_ZONE, ActionId.END}


def test_well_formed_payload_gets_a_reply(at: FuzzedBot) -> None:
    """No real payload counts as malformed, and the actor may make each of its changes."""
    for each in at.seeds:
        exchange = at.send(Case(each))
        check_exchange(exchange)
        assert [log for log in exchange.logs if not is_alarm(log, exchange)] == []
        assert exchange.response.status == (400 if each.name == "shortcut" else 200)


# Mutated


@runs
def test_mutated_payload_gets_a_reply_and_changes_nothing_without_permission(
    at: FuzzedBot, fuzz: Fuzz, times: int
) -> None:
    fuzz(cases(at.seeds), lambda case: check_exchange(at.send(case)), 300, times)


@runs
def test_form_with_any_input_gets_a_reply(at: FuzzedBot, fuzz: Fuzz, times: int) -> None:
    """Meaningless texts, numbers, days, times and zones, where Slack's client would not allow them."""
    forms = [each for each in at.seeds if each.name.startswith("view_submission")]
    fuzz(
        st.sampled_from(forms).flatmap(filled),
        lambda case: check_exchange(at.send(case)),
        80,
        times,
    )


VALUE = ("value", "selected_date", "selected_time", "selected_conversation", "capacity", "event_id")


def filled(form: Seed) -> st.SearchStrategy[Case]:
    value_paths = [path for path in paths(form.payload["view"]) if path[-1] in VALUE]
    typed = st.sampled_from((*NUMBERS, *TEXTS, *MOMENTS, *IDS)) | st.text(max_size=130)
    one = st.builds(
        lambda path, text: Mutation(("view", *path), "replace", text),
        st.sampled_from(value_paths),
        typed,
    )
    return st.lists(one, min_size=1, max_size=4).map(lambda made: Case(form, tuple(made)))


@runs
def test_command_with_any_text_gets_a_reply(at: FuzzedBot, fuzz: Fuzz, times: int) -> None:
    """R8.11: typed text never pings anybody, and text that is too long for Slack is cut."""
    commands = [each for each in at.seeds if each.kind == "command"]
    fuzz(
        st.sampled_from(commands).flatmap(said),
        lambda case: check_exchange(at.send(case)),
        120,
        times,
    )


FILTERS = (
    "register",
    "unregister",
    "event",
    "events",
    "registrations",
    "forget-me",
    "create",
    "payload",
)


def said(command: Seed) -> st.SearchStrategy[Case]:
    anything = st.one_of(
        st.text(),
        st.sampled_from((*TEXTS, *NUMBERS, *IDS)),
        st.text(min_size=1, max_size=3).map(lambda text: text * 2_700),
    )
    text = st.tuples(st.sampled_from((*FILTERS, "", "", "")), anything).map(" ".join)
    return text.map(lambda typed: Case(command, (Mutation(("text",), "replace", typed),)))


# In somebody else's name


@runs
def test_payload_of_another_user_changes_only_what_that_user_may_change(
    at: FuzzedBot, fuzz: Fuzz, times: int
) -> None:
    """R8.9: the person who acts is the one that Slack names, whoever owns the modal or message."""
    users = st.sampled_from(["U0AMARA", "U0BJORN", "U0CHLOE", "U0DIEGO", "U0PRIYA", "U0GHOST"])
    events = st.sampled_from(["yoga", "choir", "chess", "fair", "retreat", "talk0", "gone"])
    fuzz(
        st.tuples(st.sampled_from(at.seeds), users, events).map(lambda drawn: of_another(*drawn)),
        lambda case: check_exchange(at.send(case)),
        80,
        times,
    )


def of_another(each: Seed, user_id: str, event_id: str) -> Case:
    who: dict[str, tuple[str, ...]] = {
        "command": ("user_id",),
        "interaction": ("user", "id"),
        "event": ("event", "user"),
    }
    made = [Mutation(who[each.kind], "replace", user_id)]
    made += [
        Mutation(path, "replace", event_id)
        for path in paths(each.payload)
        if path[-2:] == ("private_metadata", "event_id") or path == ("actions", 0, "value")
    ]
    return Case(each, tuple(made))


OTHER_INSTALLATION = (
    Mutation(("view", "app_installed_team_id"), "replace", "T0OTHER"),
    Mutation(("authorizations", 0, "team_id"), "replace", "T0OTHER"),
)
FOREIGN: dict[str, tuple[Mutation, ...]] = {
    "a team": (
        Mutation(("team_id",), "replace", "T0OTHER"),
        Mutation(("team", "id"), "replace", "T0OTHER"),
        *OTHER_INSTALLATION,
    ),
    "a guest": (
        Mutation(("team_id",), "replace", "T0OTHER"),
        OTHER_INSTALLATION[1],
        Mutation(("user", "team_id"), "replace", "T0OTHER"),
    ),
    "none": (
        Mutation(("team_id",), "drop"),
        Mutation(("team",), "drop"),
        Mutation(("user", "team_id"), "drop"),
        Mutation(("view", "team_id"), "drop"),
        Mutation(("view", "app_installed_team_id"), "drop"),
        Mutation(("authorizations",), "drop"),
    ),
    "an enterprise": (
        Mutation(("enterprise",), "put", {"id": "E0OTHER", "name": "Other"}),
        Mutation(("team_id",), "replace", "T0OTHER"),
        Mutation(("team",), "replace", None),
        *OTHER_INSTALLATION,
        Mutation(("user", "team_id"), "replace", "T0OTHER"),
    ),
}
REFUSED = sentences.refusal(OtherWorkspace()).partition(",")[0]  # what follows is escaped in JSON


@pytest.mark.parametrize("whose", FOREIGN)
def test_payload_of_another_workspace_is_refused_with_a_sentence(at: FuzzedBot, whose: str) -> None:
    """R10.2: nothing is read, and nothing changed."""
    for each in at.seeds:
        if each.name in ("shortcut", "message_action"):
            continue
        exchange = at.send(Case(each, FOREIGN[whose]))
        check_exchange(exchange)
        assert PayloadRequest(exchange.payload).is_foreign
        assert exchange.asked == 0
        said_here = exchange.response.body + "".join(str(call.args) for call in exchange.calls)
        gets_reply = PayloadRequest(exchange.payload).kind in (
            "command",
            "block_actions",
            "view_submission",
        )
        assert not gets_reply or REFUSED in said_here or exchange.response.status == 503


# Garbage


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.text().map(str.encode),
    st.sampled_from(
        [b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b"payload=", b"payload=%7B%7D"]
    ),
    st.sampled_from(
        [b"payload=[]", b"payload=null", b"payload", b"ssl_check=1", b"[" * 9_000, b"=&=&"]
    ),
    st.sampled_from(
        [b"payload=" + b"[" * 9_000, b'{"a":' * 9_000, b"9" * 5_000, b"command=/register"]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: json.dumps(value).encode()),
)
CONTENT_TYPES = st.sampled_from(
    [FORM, JSON, "", "text/plain", "multipart/form-data", f"{JSON}; charset=x"]
)


@runs
def test_garbage_is_refused_and_reads_nothing(at: FuzzedBot, fuzz: Fuzz, times: int) -> None:
    case = Case(Seed("garbage", "event", {}))

    def check(drawn: tuple[bytes, str]) -> None:
        assert_garbage(at.send_body(case, {}, {}, *drawn), drawn[0])

    fuzz(st.tuples(GARBAGE, CONTENT_TYPES), check, 30, times)


@runs
def test_truncated_or_altered_payload_breaks_nothing(at: FuzzedBot, fuzz: Fuzz, times: int) -> None:
    """A cut payload is refused; if it can still be read, the same checks hold."""
    whole = [each for each in at.seeds if each.kind != "command"]

    def check(drawn: tuple[Seed, float, bytes]) -> None:
        each, where, put = drawn
        body, content_type = encoded(each.kind, each.fresh(at.harness.workspace))
        position = int(where * len(body))
        damaged = body[:position] + put
        assert_garbage(at.send_body(Case(each), {}, {}, damaged, content_type), damaged)

    fuzz(
        st.tuples(st.sampled_from(whole), st.floats(0, 0.99), st.binary(max_size=5)),
        check,
        30,
        times,
    )


def assert_garbage(exchange: Exchange, body: bytes) -> None:
    """Assert that it is refused: bytes that are no text can't have been signed."""
    is_text = body.decode(errors="replace").encode() == body
    assert exchange.response.status in ((200, 400) if is_text else (401,))
    assert exchange.logs == () or exchange.logs[0].levelname == "WARNING"
    assert_untouched(exchange)


def assert_untouched(exchange: Exchange) -> None:
    assert exchange.before == exchange.after
    assert exchange.asked == 0
    assert exchange.calls == ()


# Unsigned


UNSIGNED: dict[str, dict[str, str]] = {
    "forged": {"X-Slack-Signature": "v0=" + "0" * 64},
    "unsigned": {"X-Slack-Signature": ""},
    "another version": {"X-Slack-Signature": "v1=" + "0" * 64},
    "old": {"X-Slack-Request-Timestamp": "1"},
    "of the future": {"X-Slack-Request-Timestamp": "99999999999"},
    "no time": {"X-Slack-Request-Timestamp": "now"},
}


@pytest.mark.parametrize("how", UNSIGNED)
def test_unsigned_payload_is_401_and_reads_nothing(at: FuzzedBot, fuzz: Fuzz, how: str) -> None:
    """R10.1."""

    def check(case: Case) -> None:
        exchange = at.send(case, UNSIGNED[how])
        assert exchange.response.status == 401
        assert_untouched(exchange)

    fuzz(cases(at.seeds, least=0), check, 20, 1)


# Retries


@runs
def test_redelivered_event_is_accepted_again(at: FuzzedBot, fuzz: Fuzz, times: int) -> None:
    """Slack's headers mark the retry and give its reason."""
    events = [each for each in at.seeds if each.kind == "event"]
    headers = st.fixed_dictionaries(
        {
            "X-Slack-Retry-Num": st.sampled_from(["1", "2", "3", "-1", "x", "9" * 400]),
            "X-Slack-Retry-Reason": st.sampled_from(
                ["http_timeout", "http_error", "", "x" * 5_000]
            ),
        }
    )
    fuzz(
        st.tuples(cases(events, least=0), headers),
        lambda drawn: check_exchange(at.send(*drawn)),
        15,
        times,
    )
