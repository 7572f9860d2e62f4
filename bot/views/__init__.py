"""Domain values as Block Kit: pure functions. All sentences that people read are here."""
