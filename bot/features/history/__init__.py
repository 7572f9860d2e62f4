"""The history of an event, and of one's own registration."""
