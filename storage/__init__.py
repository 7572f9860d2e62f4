"""Stores for the domain's snapshots and plans: DynamoDB, and SQLite as the same port on a file."""
