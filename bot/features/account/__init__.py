"""A member's account: help, deleting one's data, and changes of the member in Slack."""
