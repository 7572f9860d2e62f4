"""Features in Slack: one folder for each, with its listeners and views."""
