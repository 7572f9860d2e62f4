"""Messages from organizers to attendees."""
