"""The two stores behind the domain's ports: DynamoDB, and SQLite for one machine."""
