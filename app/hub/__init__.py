"""Hugging Face and its mirrors: the catalogue of repositories, and downloads.

Everything here runs in one thread with an event loop of its own (`app.hub.hub.Hub`), so that
neither the import of the HTTP library nor the flood of received bytes is felt in the window.
"""
