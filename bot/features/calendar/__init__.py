"""Calendar files of events."""
