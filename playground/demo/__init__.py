"""The demo: its web page, its HTTP server, and Backstage."""
