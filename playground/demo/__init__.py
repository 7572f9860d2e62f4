"""The page in the browser, and what makes the demo."""
