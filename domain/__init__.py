"""The rules of Rollcall. Imports only the standard library and pydantic: no I/O, no Slack, no AWS."""
