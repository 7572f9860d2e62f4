"""The boundary with Slack: payloads in, replies and errors out."""
