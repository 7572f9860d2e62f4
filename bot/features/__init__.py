"""Everything people do in Slack, one folder per feature with its listeners and views."""
