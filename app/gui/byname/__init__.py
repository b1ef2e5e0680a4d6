"""A model by its name: paste it, see what it is, get it."""
