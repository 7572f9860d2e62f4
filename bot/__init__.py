"""Slack and HTTP in front of the domain: listeners, views, notifier, API and the command line."""
