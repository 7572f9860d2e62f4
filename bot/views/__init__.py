"""Domain values as Block Kit: pure functions. All sentences that people read are here or in `bot.errors`."""
