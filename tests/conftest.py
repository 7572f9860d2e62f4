"""Fixtures for every folder of tests, from the plugins below."""

import pytest

pytest.register_assert_rewrite("tests.support")

pytest_plugins = [
    "tests.support.session",
    "tests.support.slack.harness",
    "tests.support.slack.lambda_functions",
    "tests.support.api.api_client",
    "tests.support.slack.stand_in",
    "tests.support.notifications.slack_faults",
]
