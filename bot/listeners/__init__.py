"""The flows: each file has the listeners of one, and `register(app, parts)`."""
