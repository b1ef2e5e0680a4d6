"""Hand-off between threads and the event loop: standard library only."""
