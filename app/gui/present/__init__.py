"""What is shown when something happened: banners, toasts, dialogs."""
