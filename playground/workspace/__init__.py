"""The state of a workspace, and Slack's own rules for it."""
