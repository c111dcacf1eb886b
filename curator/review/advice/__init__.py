"""When to stop, how many wrong labels are left, and which fixes suggest themselves."""
