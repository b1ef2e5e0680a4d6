"""How a model is loaded: the dialog of its settings."""
