"""What people do in Slack: one folder per thing, its listeners and views together."""
