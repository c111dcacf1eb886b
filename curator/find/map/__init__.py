"""The map of the data: every image as a point, near to what is like it."""
