"""The list of those who have a seat, for those who may see it (R12.1)."""
