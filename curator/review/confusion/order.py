"""An order of classes that puts those that are confused with each other side by side.

Pure: it takes counts and gives places. Which classes are shown, and how, is the page's business.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def by_confusion(counts: NDArray[np.int64]) -> list[int]:
    """Places of the rows of ``counts`` (K, K), most-confused classes first and side by side.

    Two classes are confused as often as one is taken for the other, either way round. The pairs are
    joined to chains, most-confused pair first, as in the greedy heuristic for the travelling
    salesman (Bentley 1992, "Fast algorithms for geometric traveling salesman problems"): a pair is
    joined when both are still ends of different chains. So the most-confused pair is always side
    by side. Chains follow each other by how much they hold; classes that nothing is confused with
    come last, as they were. The result is a permutation of 0..K-1, the same for the same counts.

    Raises ValueError when ``counts`` is not square.
    """
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"A confusion matrix is square, but this one is {counts.shape}.")
    shared = np.triu(counts + counts.T, k=1)  # (K, K), above the diagonal
    rows, columns = np.nonzero(shared)
    strongest = np.argsort(-shared[rows, columns], kind="stable")
    chains = {place: [place] for place in range(len(counts))}  # by each of its ends
    weights = dict.fromkeys(range(len(counts)), 0)  # by each of its ends: what its pairs hold
    for one, other in zip(rows[strongest].tolist(), columns[strongest].tolist(), strict=True):
        if one not in chains or other not in chains or chains[one] is chains[other]:
            continue  # inside a chain, or its two ends
        left, right = chains[one], chains[other]
        weight = weights[one] + weights[other] + int(shared[one, other])
        for end in {left[0], left[-1], right[0], right[-1]}:
            del chains[end]
        joined = [*(left if left[-1] == one else left[::-1])]
        joined += right if right[0] == other else right[::-1]
        for end in (joined[0], joined[-1]):
            chains[end] = joined
            weights[end] = weight
    # By its smaller end each chain is met once, and reads the same way whatever was joined first.
    once = {min(chain[0], chain[-1]): chain for chain in chains.values()}
    first = sorted(once, key=lambda end: (-weights[end], end))
    return [
        place for end in first for place in (once[end] if once[end][0] == end else once[end][::-1])
    ]
