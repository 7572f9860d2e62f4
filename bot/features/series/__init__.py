"""Registering for all of a series, and ending that (R13.4)."""
