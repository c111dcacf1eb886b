"""The map of the data."""
