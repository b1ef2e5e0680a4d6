"""The models on this computer, as the page `Models` shows them."""
