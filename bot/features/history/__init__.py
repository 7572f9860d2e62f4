"""An event's history."""
