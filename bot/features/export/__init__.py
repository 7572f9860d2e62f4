"""The list of an event's attendees as a CSV file."""
