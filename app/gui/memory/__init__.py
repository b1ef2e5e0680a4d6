"""What models may take of memory, and conversations of the disk: the dialog of these settings."""
