"""The state of a workspace, and the rules that Slack enforces on it."""
