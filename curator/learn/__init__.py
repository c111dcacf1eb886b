"""The station that learns: backbones, the feature cache, instant heads, scores and metrics.

Features are computed once per image content and backbone (:mod:`curator.learn.extract`); heads are
logistic regressions on them (:mod:`curator.learn.heads`). The modules that the page imports
(``metrics``, ``scores``, ``folds``, ``baselines``, ``features``) need numpy only; torch is imported
inside the functions that run in the worker process.
"""
