"""Finding a model on the hub: what is found, a page for each repository, and its download."""
