"""Checking everything that is stored, and repairing it."""
