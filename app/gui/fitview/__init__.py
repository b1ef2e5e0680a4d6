"""What a model would take of this machine, with its context to try: for pages and dialogs."""
