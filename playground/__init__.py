"""A stand-in for Slack that the real bot runs against, in the demo and in the bot's tests.

It is never deployed. It listens on the loopback address and answers requests from its own origin only.
"""
