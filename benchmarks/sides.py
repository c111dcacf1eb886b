"""The sides of a comparison, measured in one run: in alternating order, repeated, with the spread.

A benchmark names its sides, the first of which all others are compared with; a side is a function
that gives figures. Most run in a process of their own (:func:`in_process`), in the interpreter that
has the peer, or over the code of an older commit (:func:`commits`). Only the standard library is
imported, since a peer's interpreter runs this file, too.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OURS = "ours"

Figures = dict[str, Any]


class Options(argparse.ArgumentParser):
    """The command line of a benchmark: what all share, and sizes that ``--small`` makes small.

    ``bears``: needs the folder of the bears ("if there": works without). ``peer``: needs an
    interpreter with other packages. ``against``: an older commit can be a side. ``few``: bears of
    each class with ``--small``.
    """

    def __init__(
        self,
        doc: str | None,
        *,
        bears: bool | str = False,
        peer: bool = False,
        against: bool = False,
        repeats: int = 1,
        few: int = 12,
    ) -> None:
        super().__init__(description=(doc or "").splitlines()[0])
        self._sizes: dict[str, tuple[int, int]] = {}
        self._bears = bears
        self._few = few
        self.add_argument("--small", action="store_true", help="as small as shows that it works")
        self.add_argument("--json", type=Path, metavar="FILE", help="record all figures here")
        self.add_argument(
            "--publish", action="store_true", help="keep the headline figures in results/"
        )
        self.size("--repeats", repeats, 1, "rounds of all sides, in alternating order")
        if bears:
            beside = os.environ.get("CURATOR_BEARS", ROOT.parent / "shared" / "data" / "bears")
            self.add_argument("--bears", type=Path, default=Path(beside), help="their folder")
        if peer:
            default = os.environ.get("CURATOR_PEER", sys.executable)
            self.add_argument("--peer", default=default, help="interpreter with the peer")
        if against:
            self.add_argument("--against", metavar="COMMIT", help="an older commit as a side")

    def size(self, flag: str, full: int, small: int, what: str) -> None:
        """Add a number that is ``small`` with ``--small``."""
        told = f"{what} ({full}; with --small {small})"
        self._sizes[self.add_argument(flag, type=int, help=told).dest] = full, small

    def parse_args(self, *arguments: Any, **options: Any) -> argparse.Namespace:  # type: ignore[override]
        """Parse, fill in the sizes, and find the bears; status 2 where they are missing."""
        found = super().parse_args(*arguments, **options)
        for name, (full, small) in self._sizes.items():
            if getattr(found, name) is None:
                setattr(found, name, small if found.small else full)
        if self._bears and not found.bears.is_dir():
            if self._bears is True:
                self.error(f"{found.bears} is missing: name the folder of the bears with --bears")
        elif self._bears and found.small:
            found.bears = _few(found.bears, self._few)
        return found


def _few(bears: Path, count: int) -> Path:
    """A folder with the first ``count`` bears of each class, there until the program ends."""
    place = tempfile.TemporaryDirectory()
    _open.enter_context(place)
    for folder in sorted(each for each in bears.iterdir() if each.is_dir()):
        Path(place.name, folder.name).mkdir()
        for file in sorted(folder.glob("*.jpg"))[:count]:
            Path(place.name, folder.name, file.name).symlink_to(file.resolve())
    return Path(place.name)


_open = contextlib.ExitStack()


@dataclass(frozen=True)
class Spread:
    """Repeated values of one figure."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.4g}"
        return f"{self.median:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Side:
    """One of the sides: its name, and what measures it once."""

    name: str
    measure: Callable[[], Figures]


class Comparison:
    """What was measured: for every side its figures of each round."""

    def __init__(self, rounds: dict[str, list[Figures]]) -> None:
        self.rounds = rounds
        self.first, *self.others = rounds

    def values(self, side: str, figure: str) -> list[float]:
        """One figure of a side, round by round."""
        return [figures[figure] for figures in self.rounds[side]]

    def spread(self, side: str, figure: str) -> Spread:
        """Median, lowest and highest over the rounds."""
        return Spread.of(self.values(side, figure))

    def ratio(self, side: str, figure: str, *, more_is_better: bool = False) -> Spread:
        """How many times as good the first side is as ``side``, of the pairs of each round.

        By default less is better, as of seconds: ``side`` / first. Else first / ``side``.
        """
        pairs = zip(self.values(self.first, figure), self.values(side, figure), strict=True)
        return Spread.of([a / b if more_is_better else b / a for a, b in pairs])

    def ratios(self) -> dict[str, dict[str, dict[str, float]]]:
        """Of every figure that is a number above 0: each side's / the first's."""
        return {
            side: {
                figure: asdict(self.ratio(side, figure))
                for figure, value in self.rounds[side][0].items()
                if isinstance(value, int | float) and self._above_0(figure)
            }
            for side in self.others
        }

    def _above_0(self, figure: str) -> bool:
        values = [one.get(figure, 0) for one in self.rounds[self.first]]
        return all(isinstance(value, int | float) and value > 0 for value in values)

    def tell(self, figure: str, unit: str, *, more_is_better: bool = False) -> None:
        """Print a line for each side: the figure, and the ratio to it."""
        for side in self.rounds:
            line = f"  {side:14} {self.spread(side, figure)} {unit}"
            if side != self.first:
                ratio = self.ratio(side, figure, more_is_better=more_is_better)
                line += f"; {self.first}: {ratio} times as good"
            print(line, flush=True)


def compare(sides: Sequence[Side], repeats: int = 1) -> Comparison:
    """Measure all sides ``repeats`` times, each second round in reverse order."""
    rounds: dict[str, list[Figures]] = {side.name: [] for side in sides}
    for number in range(repeats):
        for side in sides if number % 2 == 0 else reversed(sides):
            rounds[side.name].append(side.measure())
    return Comparison(rounds)


def verdict(ratio: Spread | float, goal: float, what: str, *, at_most: bool = False) -> bool:
    """Print the line that a benchmark is for; whether the (median) ratio reaches the goal."""
    spread = Spread.of([ratio]) if isinstance(ratio, int | float) else ratio
    print(f"ratio {spread} (goal {goal:g}{', at most' if at_most else ''}): {what}")
    return spread.median <= goal if at_most else spread.median >= goal


def record(options: argparse.Namespace, **comparisons: Comparison) -> None:
    """Write all figures of all rounds, and every side's over the first's, where ``--json`` says."""
    if options.json is None:
        return
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    content = {
        "benchmark": Path(sys.argv[0]).stem,
        "commit": head.stdout.strip(),
        "options": vars(options),
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "ratios": {name: comparison.ratios() for name, comparison in comparisons.items()},
        "rounds": {name: comparison.rounds for name, comparison in comparisons.items()},
    }
    options.json.write_text(json.dumps(content, indent=1, default=str), "utf-8")


def publish(options: argparse.Namespace, figures: dict[str, Sequence[float]]) -> None:
    """Keep headline figures, each with its values round by round, where ``--publish`` is given.

    With what was asked for, the machine and the date, but no path and no name of the machine.
    """
    if not options.publish:
        return
    name = Path(sys.argv[0]).stem
    asked = {
        key: value
        for key, value in vars(options).items()
        if isinstance(value, bool | int | float) or key == "set"
    }
    content = {
        "benchmark": name,
        "date": time.strftime("%Y-%m-%d"),
        "machine": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "options": asked,
        "figures": {key: asdict(Spread.of(values)) for key, values in figures.items()},
    }
    place = ROOT / "benchmarks" / "results" / f"{name}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _processor() -> str:
    """Its name, as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@contextlib.contextmanager
def commits(against: str | None) -> Iterator[dict[str, Path]]:
    """The sides of this project by name: here, and a copy of the commit ``against``, if any.

    The copy lies in a temporary folder and runs with the packages that are installed here.
    """
    with tempfile.TemporaryDirectory() as folder:
        roots = {OURS: ROOT}
        if against:
            packed = subprocess.run(
                ["git", "archive", against], cwd=ROOT, stdout=subprocess.PIPE, check=True
            ).stdout
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(folder, filter="data")
            roots[against] = Path(folder)
        yield roots


def in_process(
    function: Callable[..., Any],
    *arguments: Any,
    python: str = sys.executable,
    root: Path = ROOT,
    patience: float | None = None,
    environment: dict[str, str] | None = None,
) -> Figures:
    """Figures of ``function(*arguments, work)`` in a process of its own, with an empty folder.

    ``arguments`` go as JSON; paths may be among them. ``root``: whose code runs; the benchmark of
    the same name there gives the function if it has it. ``patience``: seconds. Figures are what the
    function returns (under "returned" when it is no dict), what it said by :func:`say`, and
    "wall_seconds" from the start of the process to its end, less what it returned as "not counted".
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "arguments.json"), Path(folder, "answer.json")
        asked.write_text(
            json.dumps(arguments, default=lambda path: {"path": str(path.absolute())}), "utf-8"
        )
        Path(folder, "work").mkdir()
        file = Path(function.__code__.co_filename).name
        interpreter = Path(shutil.which(python) or python).absolute()
        began = time.perf_counter()
        done = subprocess.run(
            [interpreter, ROOT / "benchmarks" / "sides.py", root, file, function.__name__, folder],
            cwd=root,  # `python -m curator`, which a side may start, takes the code that lies here
            env={**os.environ, "PYTHONPATH": str(root), **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
            timeout=patience,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            sys.exit(f"{function.__name__} of {file} failed, with status {done.returncode}")
        figures: Figures = {}
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                figures |= json.loads(line)
        answer = json.loads(answered.read_text("utf-8"))
    figures |= answer if isinstance(answer, dict) else {"returned": answer}
    return figures | {"wall_seconds": seconds - figures.get("not counted", 0.0)}


def side(name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Side:
    """A side that :func:`in_process` measures."""
    return Side(name, functools.partial(in_process, function, *arguments, **options))


def say(**figures: float) -> None:
    """Tell figures from within a side's process before its end."""
    print("\n" + json.dumps(figures), flush=True)


def _answer(root: str, file: str, function: str, folder: str) -> None:
    """Be the process of a side."""
    for place in (Path(root), ROOT):
        path = place / "benchmarks" / file
        # The commit's own module keeps its name, by which ours finds what it drives it with.
        name = f"benchmarks.{path.stem}" if place == Path(root) else path.stem
        spec = importlib.util.spec_from_file_location(name, path)
        if not path.is_file() or spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        if hasattr(module, function):
            break
    arguments = json.loads(
        Path(folder, "arguments.json").read_text("utf-8"),
        object_hook=lambda found: Path(found["path"]) if list(found) == ["path"] else found,
    )
    answer = getattr(module, function)(*arguments, Path(folder, "work"))
    Path(folder, "answer.json").write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    _answer(*sys.argv[1:])
