"""Which model answers: the button in the header and its popup."""
