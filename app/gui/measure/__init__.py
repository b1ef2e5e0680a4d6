"""Measuring the chosen model: how fast it is here, how it was before, and why it is slow."""
