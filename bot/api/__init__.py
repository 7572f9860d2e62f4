"""The HTTP API (R11): the same service, for programs."""
