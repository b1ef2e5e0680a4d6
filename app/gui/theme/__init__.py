"""One visual language: tokens, palettes, fonts, icons, and the system's wish for light or dark."""
