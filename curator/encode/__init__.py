"""From images to feature vectors: backbones, their encoder, and the cache that keeps the features.

Features are computed once per image content and backbone (:mod:`curator.encode.extract`); both the
check of the data and the training read them. ``features`` needs numpy only; torch is imported
inside the functions that run in the worker process.
"""
