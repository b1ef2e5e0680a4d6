"""The conversation in the middle: header, composer, empty states, and what moves them."""
