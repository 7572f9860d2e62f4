"""Judge of what members see in Slack: each request is acknowledged in time, and gets its own true reply (R8.12)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from bot.blocks.builders import Message
from bot.error_handler import ErrorHandler
from bot.features.adding import views as adding_views
from bot.features.browsing import series_views
from bot.features.manage import attendee_views
from bot.features.manage import views as manage_views
from bot.features.registration import views as registration_views
from bot.slack import error_messages, registrar
from bot.slack.interactions import Interaction, SlashCommand
from bot.slack.refusals import SlackBusy
from bot.slack.replies import answer_command
from bot.slack.reply_sender import ReplySender
from domain.commands import (
    AddOutcome,
    AnswersOutcome,
    ChangeOutcome,
    RegisterOutcome,
    UnregisterOutcome,
)
from domain.errors import (
    AnswersNeeded,
    Busy,
    NotConfirmed,
    OutcomeUnknown,
    Queued,
    RollcallError,
    TooLate,
)
from domain.inputs import EventChanges
from domain.models import (
    JournalEntry,
    ReplyJob,
    SeriesRegistration,
    UnregisterPreview,
    UserRegistration,
)
from domain.service import Service
from tests.support.simulation.requests import SlackRequest
from tests.support.simulation.scheduler import Task
from tests.support.simulation.waits import Waits

if TYPE_CHECKING:
    from domain.queued import QueuedRequest
    from tests.support.simulation.judge import Call
    from tests.support.simulation.world import World

UNEXPECTED = error_messages.unexpected("").text.partition("`")[0]
"""How the reply to an unforeseen failure begins."""

_OPEN = (NotConfirmed, Queued)
"""Answers after which another one comes."""

SLOW = 0.1
"""Seconds on the way to the store and back that a request can't afford at each of its calls."""

_ABOUT: dict[str, Callable[..., tuple[str, str]]] = {
    "create_event_once": lambda draft: (draft.event_id, ""),
    "register_ensuring_user": lambda event_id, draft, *_, **__: (event_id, draft.user_id),
    "change_answers": lambda event_id, user_id, *_, **__: (event_id, user_id),
    "register": lambda event_id, user_id, *_, **__: (event_id, user_id),
    "unregister": lambda event_id, user_id: (event_id, user_id),
    "get_registration": lambda event_id, user_id: (event_id, user_id),
    "preview_unregister": lambda event_id, user_id: (event_id, user_id),
    "find_registrations_of": lambda user_id, _: ("", user_id),
    "list_registrations_to_come": lambda user_id, *_, **__: ("", user_id),
    "delete_user": lambda user_id: ("", user_id),
    "deactivate_user": lambda user_id: ("", user_id),
    "remove": lambda event_id, user_id, **_: (event_id, user_id),
    "enroll": lambda outcome: (outcome.event.event_id, outcome.registration.user_id),
    "stop_series": lambda series_id, user_id: (series_id, user_id),
}

_ADDING = ("add_attendees", "preview_addition")

_ABOUT_AN_EVENT = (
    *_ADDING,
    "edit_event",
    "announce",
    "export",
    "take_over_event",
    "close_event",
    "reopen_event",
    "cancel_event",
    "delete_event",
)


class Replies:
    """Watches the services, and remembers what each request of Slack's was answered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calling: dict[Task, Call | None] = {}
        """By task: the call in the middle of which it is, once that has begun."""
        self.waits = Waits(world)
        self.requests: list[SlackRequest] = []
        self.kept: list[tuple[str, str]] = []
        """The member and the text of each reply that was stored."""
        self.of_task: dict[Task, SlackRequest] = {}
        """The request that a task handles."""

    def watch(self, service: Service) -> None:
        """Have the answers of a service judged."""
        for name, about in _ABOUT.items():
            setattr(service, name, self._watched(name, getattr(service, name), about))
        for name in _ABOUT_AN_EVENT:
            method = getattr(service, name)
            setattr(service, name, self._watched(name, method, _about_an_event))

    def _watched(
        self, name: str, method: Callable[..., Any], about: Callable[..., tuple[str, str]]
    ) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            task = self._world.scheduler.current()
            if task in self._calling:  # a part of what is watched already
                return method(*args, **options)
            self._calling[task] = None
            try:
                return watch(*args, **options)
            finally:
                del self._calling[task]

        def watch(*args: Any, **options: Any) -> Any:
            request = self.of_task.get(self._world.scheduler.current())
            changes = next((one for one in args if isinstance(one, EventChanges)), None)
            given = next((one for one in args if isinstance(one, dict)), None)
            if given is not None:
                self._world.judge.answers.has_given(*about(*args, **options), given)
            call = self._world.judge.begin(name, *about(*args, **options), changes)
            self._calling[self._world.scheduler.current()] = call
            if name in _ADDING:
                call.user_ids = tuple(dict.fromkeys(args[1]))
            try:
                answer = method(*args, **options)
            except NotConfirmed as unconfirmed:
                self._world.count("an answer is not confirmed")
                self._record(request, unconfirmed)
                unconfirmed.result.add_done_callback(
                    lambda result: self._has_answered(
                        request, call, result.exception() or result.result()
                    )
                )
                raise
            except Queued as queued:
                self._record(request, queued)
                self.waits.is_promised_a_reply(call)
                raise
            except OutcomeUnknown as unknown:  # the call has no answer: it may still be carried out
                self._record(request, unknown)
                raise
            except RollcallError as refusal:
                self._has_answered(request, call, refusal)
                raise
            self._has_answered(request, call, answer)
            return answer

        return watched

    @contextmanager
    def errors_watched(self) -> Iterator[None]:
        """Record the errors that requests get meanwhile. Assert that "nothing changed" is true."""
        message_of = ErrorHandler._message

        def watched(
            handler: ErrorHandler, error: Exception, interaction: Interaction | None
        ) -> Message:
            message = message_of(handler, error, interaction)
            request = self.of_task.get(self._world.scheduler.current())
            if request is not None:
                request.errors.append(message.text)
                if isinstance(error, RollcallError) and not isinstance(error, _OPEN):
                    request.answers.append(error)  # whatever a service said before
                if isinstance(error, Busy | SlackBusy | TooLate):
                    with self._world.judging():
                        assert not any(map(_is_change, request.answers)), f"{request}: {error!r}"
            return message

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ErrorHandler, "_message", watched)
            patch.setattr(registrar, "answer_command", self._answer_command)
            no_questions = registration_views.no_questions
            patch.setattr(
                registration_views, "no_questions", lambda event: self._listed(no_questions(event))
            )
            yield

    def _answer_command(
        self, message: Message, command: SlashCommand, sender: ReplySender
    ) -> dict[str, Any] | str:
        """Answer a command, and take note of a list or a choice: these are no outcome that is judged by its text."""
        request = self.of_task.get(self._world.scheduler.current())
        if request is not None and all(
            _text(answer, request.user_id) != message.text for answer in request.answers
        ):
            request.lists.append(message.text)
        return answer_command(message, command, sender)

    def _listed(self, message: Message) -> Message:
        """Take note of a reply that is no outcome, and that may come as a direct message."""
        request = self.of_task.get(self._world.scheduler.current())
        if request is not None:
            request.lists.append(message.text)
        return message

    def _record(self, request: SlackRequest | None, answer: object) -> None:
        if request is not None:
            request.answers.append(answer)

    def _has_answered(self, request: SlackRequest | None, call: Call, answer: object) -> None:
        self._record(request, answer)
        with self._world.judging():
            self._world.judge.check(call, answer)

    def is_queueing(self, queued: QueuedRequest) -> None:
        """Take note that the call in progress puts a request into a queue."""
        task = self._world.scheduler.current()
        call = self._calling.get(task)
        self.waits.begin(queued, call, self.of_task.get(task))

    def has_kept(self, entry: JournalEntry) -> None:
        """Take note of a reply that is stored."""
        job = ReplyJob.of(entry.event_id)
        if job is not None:
            self.kept.append((job.user_id, str(json.loads(entry.reply or "")["text"])))

    def was_not_acknowledged(self, request: SlackRequest) -> None:
        """Take note that Slack has given up a request after three seconds.

        A slow store is an excuse, and a process that stands still. So is a store that is down where the reply must be
        stored before the acknowledgement, on Lambda or without a thread: neither Slack nor the store took it, and
        Slack shows a failure either way. A store that is full takes it no better.
        """
        world = self._world
        world.count("Slack gives up a request after three seconds")
        weights = world.weights
        has_no_queue = weights.is_on_lambda or weights.thread_failures > 0
        is_silent = has_no_queue and (weights.unanswered > 0 or weights.store_outage > 0)
        request.is_lost = is_silent or (has_no_queue and weights.store_full > 0)
        if request.process is not None and request.process.hung_until >= request.begun:
            return
        if world.weights.store_seconds < SLOW and not is_silent:
            with world.judging():
                raise AssertionError(f"{request} was not acknowledged")

    # At the end

    def check(self) -> None:
        """Assert that each request got its reply, and no other."""
        messages = {
            (one.channel, str(one.content["text"])) for one in self._world.slack.posted.values()
        }
        for request in self.requests:
            texts = request.texts(self._world.slack.replies)
            assert not any(text.startswith(UNEXPECTED) for text in texts), f"{request}: {texts}"
            if request.answers and isinstance(request.answers[-1], NotConfirmed):
                assert self._is_excused(request), f"{request} never got its result"
            self.waits.check(request, texts, messages)
            expected = list(self.expected(request))
            for text in expected:
                has_heard = text in texts or (request.user_id, text) in messages
                assert has_heard or self._is_excused(request), f"{request} was never told: {text}"

    def expected(self, request: SlackRequest) -> Iterator[str]:
        """Yield what a member must hear of a request: its last answer. An event of Slack's has no reply."""
        if request.later is not None or not request.response_url:
            return
        for answer in request.answers[-1:]:
            text = _text(answer, request.user_id)
            has_joined = any(isinstance(one, RegisterOutcome) for one in request.answers)
            if isinstance(answer, SeriesRegistration) and has_joined:
                text = series_views.registered_for_all(answer).text
            if isinstance(answer, UserRegistration) and answer.has_started:
                # It may be over by the time of the reply.
                over = registration_views.registration_kept(answer, is_over=True).text
                text = over if over in request.texts(self._world.slack.replies) else text
            if text is not None:
                yield text

    def in_direct_messages(self) -> Iterator[tuple[str, str]]:
        """Yield what members may hear in a direct message, if it can't be told where they acted."""
        yield from self.kept
        yield from self.waits.in_direct_messages()
        for request in self.requests:
            for answer in request.answers:
                text = _text(answer, request.user_id)
                if text is not None:
                    yield request.user_id, text
                if isinstance(answer, SeriesRegistration):
                    yield request.user_id, series_views.registered_for_all(answer).text
                if isinstance(answer, ChangeOutcome):
                    yield request.user_id, manage_views.event_changed(answer).text
                if isinstance(answer, UnregisterOutcome):
                    users = self._world.data.users
                    yield request.user_id, attendee_views.removal_message(answer, users).text
            for text in (*request.errors, *request.lists):
                yield request.user_id, text

    def _is_excused(self, request: SlackRequest) -> bool:
        """Return whether its process has died, or Slack has shown that the request failed.

        A function stands still after "not confirmed yet", and may never go on with its result.
        """
        answer = request.acknowledgement
        is_unconfirmed = any(isinstance(one, NotConfirmed) for one in request.answers)
        return (
            (is_unconfirmed and self._world.weights.is_on_lambda)
            or request.process is None
            or request.process.is_dead
            or request.is_lost
            or (answer is not None and answer.status != 200)
        )


def _is_change(answer: object) -> bool:
    is_changed = isinstance(answer, ChangeOutcome) and answer.changed
    is_changed = is_changed or (isinstance(answer, AddOutcome) and bool(answer.added))
    is_changed = is_changed or isinstance(answer, RegisterOutcome | UnregisterOutcome)
    return is_changed or isinstance(answer, SeriesRegistration)


def _about_an_event(event_id: str, *_: Any, **__: Any) -> tuple[str, str]:
    return event_id, ""


def _text(answer: object, user_id: str) -> str | None:
    """Return the text of the reply with an answer, None if it is not judged."""
    match answer:
        case RegisterOutcome():
            return registration_views.registered(answer).text
        case UnregisterOutcome():
            return registration_views.unregistered(answer).text
        case AddOutcome():
            return adding_views.addition_message(answer).text
        case UnregisterPreview():
            return registration_views.unregister_question(answer).text
        case UserRegistration():
            return registration_views.registration_kept(answer).text
        case AnswersOutcome():
            return registration_views.answers_saved(answer).text
        case SeriesRegistration():
            return series_views.stopped(answer).text
        case AnswersNeeded():
            return None  # the form with the questions opens
        case RollcallError():
            return error_messages.message_for(user_id, answer).text
    return None
