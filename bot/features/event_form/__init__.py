"""The form that creates and edits an event."""
