"""The tutorial's length on real photographs: three searches for bears, as dirty as the web is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("black", "grizzly", "teddys")
LISTED = 200  # lines of each list that the photographs were fetched from

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def replayed(bears: Path) -> tuple[list[Item], dict[str, list[str]]]:
    """Give what a server would answer, and each list: a line's number is in its address.

    A line without a file leads to a dead address. Of the lines after the first 200 nothing was
    fetched; they keep their place as blanks.
    """
    items, lists = [], {}
    for name in CLASSES:
        lines = (bears / f"urls_{name}.txt").read_text(encoding="utf-8").splitlines()
        paths = [f"/{name}/{number:08}.jpg" for number in range(LISTED)]
        for path in paths:
            file = bears / path[1:]
            there = file.is_file()
            body = file.read_bytes() if there else b""
            status = 200 if there else 404
            items.append(Item(path, name, None, "", body, status, content_type="image/jpeg"))
        lists[name] = paths + [""] * (len(lines) - LISTED)
    return items, lists


def curator(*arguments: object) -> Any:
    """Run a command in a process of its own; give its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "curator", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.soak
def test_from_three_lists_to_a_model(bears: Path, tmp_path: Path) -> None:
    """Every step on the command line, with the counts and errors that these photographs give."""
    home = tmp_path / "bears"
    items, lists = replayed(bears)
    with serving(items) as served:
        options = [option for name in CLASSES for option in ("--class", name)]
        assert curator("new", home, *options)["classes"] == list(CLASSES)
        for name in CLASSES:
            path = tmp_path / f"urls_{name}.txt"
            path.write_text("\n".join(line and served.base + line for line in lists[name]))
            added = curator("add", home, "--class", name, path)[0]
            assert (added["new"], added["twice"], added["refused"]) == (LISTED, 0, [])
        fetched = curator("fetch", home, "--allow-private")
    assert fetched["images"] == 477
    assert fetched["same"] == 3
    assert fetched["failed"] == {"dead": 120}

    checked = curator("check", home)
    assert [row["images"] for row in checked["classes"]] == [160, 158, 159]
    for row in checked["classes"]:
        assert row["valid"] == pytest.approx(row["images"] / 5, abs=1)
    assert "listed_in_two_classes" in {problem["code"] for problem in checked["problems"]}
    assert [stage["stage"] for stage in checked["trace"]][-1] == "prediction"

    first = curator("train", home)
    assert first["metrics"]["out_of_fold"]["images"] == 477
    assert first["metrics"]["out_of_fold"]["error"] <= 0.05
    assert first["metrics"]["valid"]["error"] < first["metrics"]["baselines"]["nearest_mean_image"]

    ranked = curator("rank", home, "--top", "24")
    suspects = [row for row in ranked if row["suggested_label"]]
    assert len(suspects) >= 12
    clear = [row["image_id"] for row in suspects if row["label_score"] < 0.05][:5]
    assert clear
    assert curator("decide", home, *clear, "--delete")["changed"] == clear
    confirmed = ranked[-1]["image_id"]
    curator("decide", home, confirmed, "--keep")

    second = curator("train", home)
    assert second["metrics"]["out_of_fold"]["images"] == 477 - len(clear)
    assert second["metrics"]["out_of_fold"]["error"] < first["metrics"]["out_of_fold"]["error"]
    compared = curator("runs", home)["comparison"]
    assert compared["after"]["wrong"] <= compared["before"]["wrong"]
    assert compared["decisions"] == len(clear) + 1

    exported = curator("export", home, tmp_path / "curated")
    assert sum(row["images"] for row in exported["counts"]) == 477 - len(clear)
    bundle = curator("export-model", home, tmp_path / "model")
    assert bundle["classes"] == list(CLASSES)
    assert bundle["largest_difference"] < 1e-2

    with Project.open(home) as project:
        valid = project.rank().query("split == 'valid'").tail(20)
    pictures = valid["path"].tolist()
    moved = [shutil.copy(path, tmp_path / f"{n}.jpg") for n, path in enumerate(pictures)]
    shutil.rmtree(home)
    answers = curator("predict", tmp_path / "model", *moved)
    right = [
        answer["predictions"][0]["label"] == label
        for answer, label in zip(answers, valid["label"], strict=True)
    ]
    assert sum(right) >= 18
