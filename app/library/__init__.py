"""Models on this machine: GGUF facts, the starter model, what can be opened."""
