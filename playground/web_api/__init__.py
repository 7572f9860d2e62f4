"""Slack's Web API over HTTP."""
