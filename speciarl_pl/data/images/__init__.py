"""From an image file to an upright RGB picture of 8 bits."""
