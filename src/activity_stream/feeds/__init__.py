"""Sources: their kinds, their pages and the one loop that walks them."""
