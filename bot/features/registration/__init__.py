"""Registering and unregistering."""
