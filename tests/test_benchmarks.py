"""Benchmarks: each is listed with its command, and their runner compares sides as it says."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
from pathlib import Path

import pytest

from benchmarks import figures, sides

FOLDER = Path(sides.__file__).parent
LISTED = (FOLDER / "README.md").read_text("utf-8")


def test_every_script_is_listed_and_there() -> None:
    """The list and the folder name the same files."""
    listed = set(re.findall(r"`(\w+\.py)[ `]", LISTED))
    assert listed == {file.name for file in FOLDER.glob("*.py")}


def test_every_script_that_the_documentation_names_is_in_the_table() -> None:
    """A figure that a page states has its row, which says on which page."""
    rows = {
        row[0].strip("` "): row[2]
        for line in LISTED.splitlines()
        if (row := line.strip("|").split("|"))[0].startswith(" `")
    }
    for page in [sides.ROOT / "README.md", *(sides.ROOT / "docs").rglob("*.md")]:
        for name in re.findall(r"`benchmarks/(\w+\.py(?: --advice)?)`", page.read_text("utf-8")):
            assert page.stem in rows[name], f"{page.name}: {name}"


def test_sides_take_turns_and_give_the_ratio_of_each_round() -> None:
    """Of three rounds: median, lowest and highest of the pairs, not of the sides apart."""
    order = []
    seconds = {"ours": iter([1.0, 2.0, 4.0]), "peer": iter([10.0, 10.0, 12.0])}

    def side(name: str) -> sides.Side:
        def measure() -> sides.Figures:
            order.append(name)
            return {"seconds": next(seconds[name])}

        return sides.Side(name, measure)

    result = sides.compare([side("ours"), side("peer")], repeats=3)
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert result.spread("ours", "seconds") == sides.Spread(2.0, 1.0, 4.0)
    assert result.ratio("peer", "seconds") == sides.Spread(5.0, 3.0, 10.0)
    speed = result.ratio("peer", "seconds", more_is_better=True)
    assert (speed.low, speed.median, speed.high) == pytest.approx((0.1, 0.2, 1 / 3))
    assert result.ratios() == {"peer": {"seconds": {"median": 5.0, "low": 3.0, "high": 10.0}}}


@pytest.mark.parametrize(
    ("ratio", "at_most", "reached"),
    [
        (1.2, False, True),
        (0.9, False, False),
        (1.2, True, False),
        (sides.Spread(1, 0, 3), True, True),
    ],
)
def test_a_verdict_goes_by_the_median(
    ratio: sides.Spread | float, at_most: bool, reached: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is printed with the goal."""
    assert sides.verdict(ratio, 1.0, "seconds", at_most=at_most) is reached
    assert capsys.readouterr().out.startswith("ratio ")


def test_a_side_runs_in_a_process_over_the_code_of_its_root(tmp_path: Path) -> None:
    """Paths arrive as paths; what is said, returned and not counted comes back."""
    script = tmp_path / "benchmarks" / "older.py"
    script.parent.mkdir()
    script.write_text(
        "import os\n"
        "def measured(number, path, work):\n"
        "    print('{\"said\": 2.5}')\n"
        "    there = os.environ['PYTHONPATH'] == str(path) == os.getcwd() and work.is_dir()\n"
        "    return {'number': number + 1, 'there': there, 'not counted': 1000.0}\n",
        "utf-8",
    )
    spec = importlib.util.spec_from_file_location("older", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    figures = sides.in_process(module.measured, 3, tmp_path, root=tmp_path)
    assert figures.pop("wall_seconds") < 0
    assert figures == {"number": 4, "there": True, "said": 2.5, "not counted": 1000.0}


def test_small_makes_every_size_small_that_was_not_named() -> None:
    """A size on the command line counts more."""
    parser = sides.Options("What it does.", repeats=5)
    parser.size("--count", 3000, 200, "addresses")
    assert vars(parser.parse_args([]))["count"] == 3000
    small = parser.parse_args(["--small"])
    assert (small.count, small.repeats) == (200, 1)
    assert parser.parse_args(["--small", "--count", "7"]).count == 7


def test_what_is_published_names_the_kind_of_machine_and_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Median and spread of each figure; cores, processor and date; neither a path nor a host."""
    monkeypatch.setattr(sides, "ROOT", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr("sys.argv", ["benchmarks/noise.py"])
    options = sides.Options("What it does.", peer=True)
    sides.publish(options.parse_args([]), {"error": [0.5]})
    assert not (tmp_path / "benchmarks" / "results").exists()
    sides.publish(options.parse_args(["--publish"]), {"error": [0.3, 0.1, 0.2]})
    text = (tmp_path / "benchmarks" / "results" / "noise.json").read_text("utf-8")
    kept = json.loads(text)
    assert kept["figures"] == {"error": {"median": 0.2, "low": 0.1, "high": 0.3}}
    assert kept["machine"].keys() == {"cores", "processor", "system", "python"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept["date"])
    assert platform.node() not in text
    assert "/" not in kept["machine"]["system"] + "".join(kept["options"])


@pytest.mark.parametrize("page", figures.PAGES)
def test_the_pages_state_what_the_benchmarks_found(page: str) -> None:
    """`python benchmarks/figures.py --write` brings them up to date."""
    text = (sides.ROOT / page).read_text("utf-8")
    assert figures.written(page, text) == text
    assert figures.rows()


def test_another_figure_in_a_page_is_noticed() -> None:
    """What stands between the marks is what the results say, and nothing else."""
    page = f"before\n{figures.BEGIN}\n| 99.9 % right |\n{figures.END}\nafter\n"
    for name in figures.PAGES:
        fresh = figures.written(name, page)
        assert "99.9" not in fresh
        assert figures.written(name, fresh) == fresh
    with pytest.raises(ValueError, match="lacks"):
        figures.written("any.md", "no marks")
