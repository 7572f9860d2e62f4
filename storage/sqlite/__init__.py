"""The stores on an SQLite file."""
