"""Before and after: two runs on the same validation images."""
