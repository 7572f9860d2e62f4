"""Registering and leaving."""
