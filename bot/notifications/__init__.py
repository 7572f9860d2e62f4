"""What follows a commit: direct messages and card updates, done from the journal."""
