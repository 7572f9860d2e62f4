"""Adding people to an event, for its organizers (R12.4)."""
