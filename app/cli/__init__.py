"""The terminal face of the services."""
