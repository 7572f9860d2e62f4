"""The lists of events and of one's own registrations."""
