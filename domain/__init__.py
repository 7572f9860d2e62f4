"""The rules: who sits, who waits, and why. Stdlib and pydantic only; no I/O, no environment, no Slack, no AWS."""
