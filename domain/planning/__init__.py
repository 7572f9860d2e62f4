"""Pure functions that turn a snapshot and commands into one atomic write."""
