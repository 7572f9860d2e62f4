"""A member's Slack client: actions, payloads and acknowledgements."""
