"""Why a command can't run, for the person who started it."""


class StartupError(Exception):
    """The command can't run. The message is for the person who started it."""


class MigrationNeeded(StartupError):
    """The SQLite file has an earlier schema version, which the bot's start migrates."""
