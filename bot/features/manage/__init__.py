"""The Manage modal: roster, capacity, closing and reopening, removing a person."""
