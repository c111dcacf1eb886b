"""Fetching addresses: guarded connections, limits, fairness between hosts, named failures."""
