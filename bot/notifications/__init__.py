"""Work that follows a commit: direct messages and card updates, driven by the journal."""
