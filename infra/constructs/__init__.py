"""The parts of the stack: tables, functions, the HTTP endpoint and monitoring."""
