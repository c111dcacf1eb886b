"""Near-duplicates: which pairs may be, which are, and the groups that follow."""
