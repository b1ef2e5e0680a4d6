"""The page `Downloads`, and what the rest of the window shows of them."""
