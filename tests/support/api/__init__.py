"""The HTTP API in tests: a client, and the description that `make openapi` writes."""
