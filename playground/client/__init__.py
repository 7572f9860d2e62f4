"""What a member's Slack client does."""
