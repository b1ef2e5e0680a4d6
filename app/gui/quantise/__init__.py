"""Making a model smaller: the dialog with what it can become, and how far that has come."""
