"""What a conversation asks of the model: the panel on the right."""
