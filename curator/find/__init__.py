"""Finding images by their features: more like this, subsets, concepts."""
