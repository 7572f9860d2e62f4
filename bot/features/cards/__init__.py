"""Event cards in channels."""
