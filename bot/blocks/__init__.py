"""Block Kit building: blocks, forms, modals, text, pages and ids."""
