"""The transcript: Markdown, message rows and the view that holds only the rows near the reader."""
