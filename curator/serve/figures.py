"""Figures of a running service, as Prometheus reads them.

The form: https://prometheus.io/docs/instrumenting/exposition_formats/. Used from one thread.
"""

from __future__ import annotations

import time
from collections import Counter

from curator.version import __version__

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PICTURES = (1, 2, 4, 8, 16, 32)


class Histogram:
    """Counts of values up to each of ``bounds``."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._counts = dict.fromkeys(bounds, 0)
        self._number = 0
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._number += 1
        self._sum += value
        for bound in self._counts:
            if value <= bound:
                self._counts[bound] += 1

    def lines(self, name: str) -> list[str]:
        """The series of the histogram ``name``."""
        return [
            *(f'{name}_bucket{{le="{bound:g}"}} {n}' for bound, n in self._counts.items()),
            f'{name}_bucket{{le="+Inf"}} {self._number}',
            f"{name}_sum {self._sum:.6g}",
            f"{name}_count {self._number}",
        ]


class Figures:
    """What happened since the start."""

    def __init__(self) -> None:
        self.began = time.time()
        self.requests: Counter[tuple[str, int]] = Counter()
        """By path and status."""
        self.pictures: Counter[str] = Counter()
        """By what came of them: answered, none_of_these, or the reason of a refusal."""
        self.seconds = Histogram(SECONDS)
        self.batches = Histogram(PICTURES)

    def text(self, waiting: int, model: str) -> str:
        """All of it in Prometheus' text form; ``waiting``: pictures in work at this moment."""
        lines = [
            *_head("info", "gauge", "The version and the model's SHA-256."),
            f'curator_info{{version="{__version__}",model="{model}"}} 1',
            *_head("start_time_seconds", "gauge", "When the service began, in Unix time."),
            f"curator_start_time_seconds {self.began:.3f}",
            *_head("requests_total", "counter", "Requests by path and status."),
            *(
                f'curator_requests_total{{path="{path}",status="{status}"}} {number}'
                for (path, status), number in sorted(self.requests.items())
            ),
            *_head("pictures_total", "counter", "Pictures by what came of them."),
            *(
                f'curator_pictures_total{{result="{result}"}} {number}'
                for result, number in sorted(self.pictures.items())
            ),
            *_head("pictures_waiting", "gauge", "Pictures in work."),
            f"curator_pictures_waiting {waiting}",
            *_head("request_seconds", "histogram", "Seconds from a header to the answer's end."),
            *self.seconds.lines("curator_request_seconds"),
            *_head("batch_pictures", "histogram", "Pictures that the network was asked together."),
            *self.batches.lines("curator_batch_pictures"),
        ]
        return "\n".join([*lines, ""])


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP curator_{name} {text}", f"# TYPE curator_{name} {kind}"]
