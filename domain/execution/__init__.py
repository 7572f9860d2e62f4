"""Running commands against one event: batches, commits, retries, and what takes many commits."""
