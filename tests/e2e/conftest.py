"""Whole processes: what they inherit from whoever runs the tests."""

from __future__ import annotations

import os
import signal

# A shell that starts the tests in the background lets them ignore Ctrl+C, and so would every
# process that they start; with a handler here those have the usual one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What other applications on this computer keep must not be among the models of a test.
for name in ("HF_HUB_CACHE", "JAN_DATA_FOLDER", "LLAMA_CACHE", "OLLAMA_MODELS"):
    os.environ[name] = os.path.join(os.sep, "nowhere", "of", "lamplight", "tests")
