"""The recipe `instant`: linear heads on frozen features, every image judged out-of-fold."""
