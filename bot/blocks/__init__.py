"""Building blocks of Block Kit surfaces: text, paging, ids."""
