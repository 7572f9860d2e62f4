"""Slack and HTTP in front of the domain: listeners, views, notifications, the API and the command line."""
