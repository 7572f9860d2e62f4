"""Who has a seat in an event, for those who may see it (R12.1)."""
