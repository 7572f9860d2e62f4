"""Reading without changing: lists of events and of registrations, and previews. Each is true at one moment."""
