"""Would more images help? The error as a function of the number of images."""
