"""Every command: what it says to people, and its JSON for machines."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from curator import __version__
from curator.cli.commands import FILES
from curator.cli.commands import command as whole
from curator.cli.grouping import GROUPS
from curator.sample.digits import CLASSES
from curator.store import runs
from tests.pictures import write_folders
from widgets.shell import Shell

if TYPE_CHECKING:
    from curator.project import Project
    from curator.sample.server import Served
    from tests.cli.conftest import Curator

COMMANDS = sorted(whole().commands)
TABLE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_help_lists_every_command(curator: Curator) -> None:
    """``curator --help`` names each command, and each has a help text of its own."""
    whole = curator("--help")
    assert whole.status == 0
    assert COMMANDS == [
        "accept",
        "add",
        "advice",
        "backbones",
        "check",
        "classes",
        "classify",
        "compare",
        "concept",
        "confusion",
        "dashboard",
        "decide",
        "demo",
        "deploy",
        "dismiss",
        "duplicates",
        "evaluate",
        "explain",
        "export",
        "export-model",
        "fetch",
        "find",
        "import",
        "learning-curve",
        "log",
        "lr-find",
        "map",
        "merge-classes",
        "most-confused",
        "move-database",
        "new",
        "new-class",
        "predict",
        "queue",
        "rank",
        "recipe",
        "redo",
        "rename-class",
        "restore",
        "review-log",
        "runs",
        "sample",
        "serve",
        "similar",
        "snippet",
        "status",
        "stop",
        "suggest",
        "tags",
        "test-split",
        "train",
        "try",
        "undo",
        "use-run",
        "version",
        "waiting",
        "weak",
    ]
    for table in (GROUPS, FILES):
        assert sorted(name for names in table.values() for name in names) == COMMANDS
    for group, names in GROUPS.items():
        section = whole.out.partition(f"\n{group}:\n")[2].partition("\n\n")[0]
        listed = [line.split()[0] for line in section.splitlines() if line[2:3] != " "]
        assert listed == list(names)
    for name in COMMANDS:
        own = curator(name, "--help")
        assert own.status == 0
        assert f"curator {name}" in own.out
        assert len(own.out.splitlines()) > 5


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """The table of all commands shows how each is used."""
    assert re.search(rf"^\| `curator {name}[ `]", TABLE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_version(curator: Curator) -> None:
    """``--version`` gives the package's version."""
    answer = curator("--version")
    assert (answer.status, answer.out) == (0, f"curator {__version__}\n")


@pytest.mark.slow
def test_completion(curator: Curator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell is given its script, and asks for the commands that begin as typed."""
    monkeypatch.setenv("COMP_WORDS", "curator exp")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("_CURATOR_COMPLETE", "complete_bash")
    answer = curator()
    assert (answer.status, answer.out.split()) == (0, ["explain", "export", "export-model"])
    monkeypatch.delenv("_CURATOR_COMPLETE")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    # It looks for the shell that it was started from; bash waits here for what it starts.
    command = f"{shlex.quote(sys.executable)} -m curator --show-completion; exit $?"
    done = subprocess.run([bash, "-c", command], capture_output=True, text=True, check=True)
    assert "_CURATOR_COMPLETE=complete_bash" in done.stdout


@pytest.mark.slow
def test_collecting(curator: Curator, served: Served, tmp_path: Path) -> None:
    """New, add, fetch, import and check say what they did, also as JSON."""
    home = tmp_path / "p"
    made = curator("new", home, "--class", "a", "--name", "letters", "--json")
    assert made.json == {"project": str(home), "classes": ["a"]}
    lists = {name: tmp_path / f"{name}.txt" for name in "ab"}
    for name, path in lists.items():
        path.write_text("\n".join(served.addresses(name)))
    assert "6 new for a" in curator("add", home, "--class", "a", lists["a"]).out
    added = curator("add", home, "--class", "b", "--new-class", lists["b"], "--json")
    assert (added.json[0]["class"], added.json[0]["new"]) == ("b", 6)
    assert "12 pending" in curator("status", home).out

    fetched = curator("fetch", home, "--allow-private", "--threads", 4)
    assert (fetched.status, fetched.err) == (0, "")
    assert "10 new images from 12 addresses, 2 failed" in fetched.out
    assert "dead" in fetched.out
    assert curator("fetch", home, "--allow-private", "--json").json["asked"] == 0

    write_folders(tmp_path / "more", {"a": 8, "b": 8}, start=200)
    assert curator("import", home, tmp_path / "more", "--json").json["images"] == 16
    assert "16 files" in curator("import", home, tmp_path / "more").out
    status = curator("status", home)
    assert "letters in" in status.out
    assert "last job: import, done" in status.out


@pytest.mark.slow
def test_checking(curator: Curator, small: Project) -> None:
    """Check shows the classes, the problems and one image's way; JSON holds all of it."""
    answer = curator("check", small.path)
    assert answer.status == 0
    assert "30 images in 3 classes" in answer.out
    assert "The class owl has 8 images" in answer.out
    assert "One image through every stage" in answer.out
    parsed = curator("check", small.path, "--json", "--image", 3).json
    assert parsed["images"] == 30
    assert parsed["trace"][0]["result"].startswith("image 3")


@pytest.mark.slow
def test_training(curator: Curator, sample_copy: Project) -> None:
    """Train shows baselines, steps and errors with their kinds; runs compares first and last."""
    home = sample_copy.path
    trained = curator("train", home, "--folds", 3)
    assert (trained.status, trained.err) == (0, "")
    assert "Run 2: error" in trained.out
    for words in ("majority", "nearest mean image", "out-of-fold", "validation images", "recall"):
        assert words in trained.out
    parsed = curator("train", home, "--json").json
    assert parsed["run"] == 3
    assert parsed["metrics"]["out_of_fold"]["low"] < parsed["metrics"]["out_of_fold"]["error"]
    found = curator("runs", home, "--json").json
    assert [row["run"] for row in found["runs"]] == [1, 2, 3]
    assert [found["comparison"][side]["run"] for side in ("before", "after")] == [1, 3]
    number = found["comparison"]["images"]
    assert f"of the same {number} validation images" in curator("runs", home).out
    compared = curator("compare", home, "--before", 2, "--json").json
    assert [compared[side]["run"] for side in ("before", "after")] == [2, 3]


@pytest.mark.slow
def test_networks_are_compared(curator: Curator, sample_folder: Path) -> None:
    """With the bundled network alone that is said, with its error on so many images."""
    answer = curator("backbones", "--try", sample_folder, "--images", 60)
    assert answer.status == 0
    assert "efficientnet_lite0 is the only network on this machine: " in answer.out
    parsed = curator("backbones", "--try", sample_folder, "--images", 60, "--json").json
    assert (parsed["images"], len(parsed["tried"])) == (60, 1)


def test_ranking(curator: Curator, sample_folder: Path, tmp_path: Path) -> None:
    """The ranking is the same as a table, as JSON and as CSV, in a file or as output."""
    assert "label_score" in curator("rank", sample_folder, "--top", 5).out
    rows = curator("rank", sample_folder, "--json").json
    assert [row["label_score"] for row in rows] == sorted(row["label_score"] for row in rows)
    answer = curator("rank", sample_folder, "--csv", tmp_path / "new" / "rank.csv")
    assert f"{len(rows)} rows are in" in answer.out
    with (tmp_path / "new" / "rank.csv").open(newline="", encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))
    assert [int(row["image_id"]) for row in written] == [row["image_id"] for row in rows]
    text = (tmp_path / "new" / "rank.csv").read_text(encoding="utf-8")
    assert curator("rank", sample_folder, "--csv", "-").out == text


def test_confusion(curator: Curator, sample_folder: Path) -> None:
    """The matrix and its pairs agree, and nothing is said of pairs that are rare."""
    matrix = curator("confusion", sample_folder, "--json").json
    assert matrix["labels"] == list(CLASSES)
    counts = matrix["counts"]
    assert "label" in curator("confusion", sample_folder).out
    pairs = curator("most-confused", sample_folder, "--json").json
    wrong = sum(map(sum, counts)) - sum(counts[k][k] for k in range(3))
    assert sum(pair["count"] for pair in pairs) == wrong
    first = pairs[0]
    said = curator("most-confused", sample_folder).out.splitlines()
    assert said[0] == f"{first['label']} taken for {first['predicted']}: {first['count']}"
    assert (
        "No pair is confused 999 times" in curator("most-confused", sample_folder, "--min", 999).out
    )


@pytest.mark.slow
def test_status_of_a_run_without_folds(curator: Curator, sample_copy: Project) -> None:
    """A network fine-tuned without folds is judged on validation images, or on none at all."""
    error = {"images": 0, "error": None, "low": None, "high": None}
    for valid, said in ((0.125, "error 12.5% on the validation images"), (None, "no image to")):
        with sample_copy.database.write() as connection:
            runs.add(
                connection,
                recipe="finetune",
                backbone="none",
                ledger_position=0,
                out_of_fold=0,
                settings={"classes": [1, 2, 3]},
                metrics={"out_of_fold": error, "valid": {**error, "error": valid}, "seconds": 1.0},
                history=[],
            )
        answer = curator("status", sample_copy.path)
        assert (answer.status, answer.err) == (0, "")
        assert said in answer.out
        assert curator("status", sample_copy.path, "--json").json["run"]["error"] == valid
        shell = Shell({})
        shell.refresh(sample_copy.status(), "train")
        figure = next(row["figure"] for row in shell.state["stations"] if row["id"] == "train")
        assert figure == ("not judged" if valid is None else "87.5 % right")


@pytest.mark.slow
def test_exporting(curator: Curator, small: Project, tmp_path: Path) -> None:
    """Export says how many images went where."""
    plan = curator("export", small.path, tmp_path / "out", "--as", "hf", "--dry-run")
    assert "30 images in 34 files" in plan.out or "without a split" in plan.out
    assert not (tmp_path / "out").exists()
    exported = curator("export", small.path, tmp_path / "out")
    assert "30 images and manifest.csv" in exported.out
    parsed = curator("export", small.path, tmp_path / "out2", "--json").json
    assert sum(row["images"] for row in parsed["counts"]) == 30


def test_a_messy_list_is_taken_line_by_line(curator: Curator, tmp_path: Path) -> None:
    """Comments, blanks, duplicates and rubbish: the good lines are added, the rubbish is shown."""
    curator("new", tmp_path / "p", "--class", "a")
    (tmp_path / "list.txt").write_text(
        "# found today\n\nhttps://example.org/1.jpg\nrubbish [bold] :bear:\n"
        "https://example.org/1.jpg\nhttps://example.org/2.jpg\n"
    )
    answer = curator("add", tmp_path / "p", "--class", "a", tmp_path / "list.txt")
    assert (answer.status, answer.err) == (0, "")
    assert "2 new for a, 1 repeated in the list, 1 refused." in answer.out
    assert "line 4: " in answer.out
    assert "rubbish [bold] :bear:" in answer.out
    again = curator("add", tmp_path / "p", "--class", "a", tmp_path / "list.txt", "--json")
    (said,) = again.json
    assert (said["list"], said["class"]) == (str(tmp_path / "list.txt"), "a")
    assert (said["new"], said["known"], said["twice"]) == (0, 2, 1)
    (refused,) = said["refused"]
    assert (refused["line"], refused["text"]) == (4, "rubbish [bold] :bear:")
    assert refused["problem"]


@pytest.mark.slow
def test_export_model_and_predict(curator: Curator, sample_copy: Project, tmp_path: Path) -> None:
    """A bundle predicts; an unreadable image is named and does not stop the others."""
    asked = ("export-model", sample_copy.path, tmp_path / "model", "--no-int8", "--json")
    assert curator(*asked, "--deploy", sample_copy.path).status == 2
    answer = curator(*asked, "--deploy", tmp_path / "service")
    assert answer.status == 0
    assert answer.json["deployed"]["classes"] == answer.json["classes"]
    assert (tmp_path / "service" / "app.py").is_file()
    assert "its answers agree" in answer.json["sentence"]
    original = next(sample_copy.originals.rglob("*.png"))
    (tmp_path / "bad.jpg").write_text("no picture")
    said = curator(
        "predict", tmp_path / "model", original, tmp_path / "bad.jpg", tmp_path / "no.jpg", original
    )
    assert said.status == 1
    assert len(said.out.splitlines()) == 2
    assert "%" in said.out
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["Error", "Error"]
    assert "bad.jpg" in said.err
    assert "no.jpg" in said.err
    parsed = curator("predict", tmp_path / "model", original, tmp_path / "bad.jpg", "--json")
    assert parsed.status == 1
    assert [set(item) for item in parsed.json] == [
        {"image", "predictions", "none_of_these", "familiarity", "sentence"},
        {"image", "error"},
    ]
    assert curator("predict", tmp_path / "model", original).status == 0

    shutil.copyfile(original, tmp_path / "shown.png")
    table = tmp_path / "answers.csv"
    asked = ("predict", tmp_path / "model", tmp_path / "shown.png", tmp_path / "bad.jpg")
    assert curator(*asked, "--format", "csv", "--out", table).status == 1
    first, second = csv.DictReader(table.read_text().splitlines())
    assert first["label"] in {"three", "five", "eight"}
    assert sum(float(first[name]) for name in ("three", "five", "eight")) == pytest.approx(1)
    assert (second["label"], bool(second["error"])) == ("", True)
    assert first["none_of_these"] == "false"
    lines = curator(*asked, "--format", "jsonl").out.splitlines()
    assert [set(json.loads(line)) >= {"predictions"} for line in lines] == [True, False]
    (tmp_path / "bad.jpg").unlink()
    (tmp_path / "model.txt").write_text("no picture")
    folder = curator("predict", tmp_path / "model", tmp_path / "model")
    assert (folder.status, "holds no pictures" in folder.err) == (2, True)

    weights = tmp_path / "model" / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:-1])
    answer = curator("predict", tmp_path / "model", original)
    assert answer.status == 1
    assert "model.onnx was altered" in answer.err
    weights.unlink()
    answer = curator("predict", tmp_path / "model", original)
    assert answer.status == 1
    assert "model.onnx is missing" in answer.err


@pytest.mark.slow
def test_noise_is_none_of_these(curator: Curator, served_model: Path, tmp_path: Path) -> None:
    """Each form of the answer says so, with the nearest class in words."""
    picture = tmp_path / "noise.png"
    Image.effect_noise((160, 160), 90).convert("RGB").save(picture)
    asked = ("predict", served_model, picture)
    assert f"{picture}: none of these, nearest: " in curator(*asked).out
    (said,) = csv.DictReader(curator(*asked, "--format", "csv").out.splitlines())
    assert said["none_of_these"] == "true"
    (noise,) = curator(*asked, "--json").json
    assert noise["none_of_these"] is True
    assert noise["familiarity"] < 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["rank"],
        ["rank", "--top", "3"],
        ["confusion"],
        ["most-confused"],
        ["log"],
        ["runs"],
    ],
    ids=" ".join,
)
def test_reading_commands_speak_json(
    arguments: list[str], curator: Curator, sample_folder: Path
) -> None:
    """What a machine asks for is JSON alone on standard output, without NaN."""
    answer = curator(arguments[0], sample_folder, *arguments[1:], "--json")
    assert (answer.status, answer.err) == (0, "")
    json.loads(answer.out, parse_constant=pytest.fail)


def test_an_empty_project_can_be_looked_at(curator: Curator, tmp_path: Path) -> None:
    """Before there is anything, the commands that only look say so and succeed."""
    home = tmp_path / "p"
    assert "--new-class" in curator("new", home).out
    assert "--new-class" in curator("status", home).out
    assert "No decision was taken yet" in curator("log", home).out
    assert "No run was trained" in curator("runs", home).out
    assert "0 images in 0 classes" in curator("check", home).out
    assert "Nothing is missing" in curator("fetch", home).out
    assert curator("check", home, "--json").json["trace"] == []
    assert curator("runs", home, "--json").json == {"runs": [], "comparison": None}


def test_a_project_with_everything_deleted_can_be_looked_at(
    curator: Curator, sample_copy: Project
) -> None:
    """With no image left, ranking, confusion, check and status still answer."""
    sample_copy.decide(sample_copy.rank()["image_id"].tolist(), "delete")
    for command in ("rank", "confusion", "most-confused", "check", "status", "runs"):
        answer = curator(command, sample_copy.path)
        assert (answer.status, answer.err) == (0, ""), command
    assert curator("rank", sample_copy.path, "--json").json == []


@pytest.mark.slow
def test_names_are_shown_as_they_are(curator: Curator, tmp_path: Path) -> None:
    """Brackets and colons in names are text, not colours or pictures."""
    curator("new", tmp_path / "p", "--class", "[red]bear", "--class", "b")
    root = write_folders(tmp_path / "in", {"[red]bear": 2, "b": 2})
    curator("import", tmp_path / "p", root)
    assert "[red]bear" in curator("check", tmp_path / "p").out
    assert "[red]bear" in curator("status", tmp_path / "p").out
