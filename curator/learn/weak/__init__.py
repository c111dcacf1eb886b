"""Where a model is worse than elsewhere, and what could give the class away by itself."""
