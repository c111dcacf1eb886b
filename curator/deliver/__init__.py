"""What leaves the project: the curated folder, its table, and the model as a bundle of its own."""
