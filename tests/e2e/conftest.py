"""Whole processes: what they inherit from whoever runs the tests."""

from __future__ import annotations

import signal

# A shell that starts the tests in the background lets them ignore Ctrl+C, and so would every
# process that they start; with a handler here those have the usual one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
