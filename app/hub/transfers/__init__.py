"""Downloads that can be paused, resumed and killed, and whose files appear whole or not at all."""
