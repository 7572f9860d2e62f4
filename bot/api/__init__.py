"""The HTTP API (R11): the same service, for API clients."""
