"""A stand-in Slack workspace that the real bot runs against: for the demo page, and as the server of the bot's tests.

It is not deployed, and answers only its own origin on the loopback address.
"""
