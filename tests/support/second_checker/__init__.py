"""Second judge of recorded histories, written from docs/requirements.md alone: it shares no code with the first one."""
