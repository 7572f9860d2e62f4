"""The Slack client of a member: the actions, payloads and acknowledgements."""
