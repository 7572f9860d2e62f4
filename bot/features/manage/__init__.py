"""The Manage modal: attendees, capacity, closing and reopening, the card, the export."""
