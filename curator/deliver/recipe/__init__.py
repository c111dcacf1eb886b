"""Data set recipes: addresses, hashes, labels, splits and decisions of a data set, no pictures."""
