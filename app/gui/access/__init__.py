"""The way to the model hub: the dialog of its address, account, proxy and certificates."""
