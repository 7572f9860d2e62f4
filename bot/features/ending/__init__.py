"""Canceling and deleting an event."""
