"""The station that learns: instant heads on cached features, scores and metrics.

Heads are logistic regressions on the features of :mod:`curator.encode`. The modules that the page
imports (``metrics``, ``scores``, ``folds``, ``baselines``) need numpy only.
"""
