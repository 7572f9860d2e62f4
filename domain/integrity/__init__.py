"""Check everything that is stored, and repair it."""
