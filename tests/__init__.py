"""The tests: unit (without Qt), gui, e2e and bench."""
