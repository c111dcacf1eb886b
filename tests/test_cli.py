"""The command line: every command, its JSON, its exit status, and every bad input by name."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from curator import __version__
from curator.cli import app, run
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from tests.pictures import encoded, picture, write_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from curator.sample.server import Served

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
README = Path(__file__).parents[1] / "README.md"


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, parsed."""
        return json.loads(self.out)


Command = "Callable[..., Answer]"


@pytest.fixture
def curator(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Answer]:
    """Give a function that runs the command line in this process, on a wide terminal."""
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.delenv("CURATOR_DEBUG", raising=False)

    def command(*arguments: object) -> Answer:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(status, said.out, said.err)

    return command


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve ten pictures of two classes; one address of each class is dead."""
    items = [
        Item(
            f"/{number}.png",
            "ab"[number % 2],
            None,
            "",
            encoded(picture(number)),
            status=404 if number > 9 else 200,
        )
        for number in range(12)
    ]
    with serving(items) as running:
        yield running


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command line as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "curator", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **options,
    )


# The whole and its parts


def test_help_lists_every_command(curator: Callable[..., Answer]) -> None:
    """``curator --help`` names each command, and each has a help text of its own."""
    whole = curator("--help")
    assert whole.status == 0
    assert COMMANDS == [
        "add",
        "check",
        "confusion",
        "dashboard",
        "decide",
        "demo",
        "export",
        "export-model",
        "fetch",
        "import",
        "log",
        "most-confused",
        "new",
        "predict",
        "rank",
        "runs",
        "status",
        "train",
        "undo",
    ]
    for name in COMMANDS:
        assert name in whole.out
        own = curator(name, "--help")
        assert own.status == 0
        assert f"curator {name}" in own.out
        assert len(own.out.splitlines()) > 5


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    """The README shows how each command is used."""
    assert f"curator {name}" in README.read_text(encoding="utf-8")


def test_the_version(curator: Callable[..., Answer]) -> None:
    """``--version`` gives the package's version."""
    answer = curator("--version")
    assert (answer.status, answer.out) == (0, f"curator {__version__}\n")


# Bad input, each by name


def empty_list(curator: Callable[..., Answer], home: Path) -> Answer:
    """Add a list that holds nothing."""
    curator("new", home / "p", "--class", "a")
    (home / "list.txt").write_text("\n\n# nothing\n")
    return curator("add", home / "p", "--class", "a", home / "list.txt")


def missing_list(curator: Callable[..., Answer], home: Path) -> Answer:
    """Add a list that is not there."""
    curator("new", home / "p", "--class", "a")
    return curator("add", home / "p", "--class", "a", home / "nowhere.txt")


def class_with_slash(curator: Callable[..., Answer], home: Path) -> Answer:
    """Name a class with a slash."""
    return curator("new", home / "p", "--class", "a/b")


def class_with_dot(curator: Callable[..., Answer], home: Path) -> Answer:
    """Name a class with a leading dot."""
    return curator("new", home / "p", "--class", ".hidden")


def class_unprintable(curator: Callable[..., Answer], home: Path) -> Answer:
    """Name a class with a character that cannot be printed."""
    return curator("new", home / "p", "--class", "a\x07b")


def class_twins(curator: Callable[..., Answer], home: Path) -> Answer:
    """Name two classes that differ only by case."""
    return curator("new", home / "p", "--class", "bear", "--class", "Bear")


def one_class_only(curator: Callable[..., Answer], home: Path) -> Answer:
    """Train with images in one class only."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 5}))
    return curator("train", home / "p")


def class_with_one_image(curator: Callable[..., Answer], home: Path) -> Answer:
    """Train where a class has a single image."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 5, "dog": 1}))
    return curator("train", home / "p")


def nothing_left_to_train(curator: Callable[..., Answer], home: Path) -> Answer:
    """Train after every image was deleted in review."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 2, "dog": 2}))
    curator("decide", home / "p", 1, 2, 3, 4, "--delete")
    return curator("train", home / "p")


def nothing_left_to_export(curator: Callable[..., Answer], home: Path) -> Answer:
    """Export after every image was deleted in review."""
    nothing_left_to_train(curator, home)
    return curator("export", home / "p", home / "out")


def no_project(curator: Callable[..., Answer], home: Path) -> Answer:
    """Ask a folder that is no project."""
    return curator("status", home)


def project_exists(curator: Callable[..., Answer], home: Path) -> Answer:
    """Make a project twice."""
    curator("new", home / "p", "--class", "a")
    return curator("new", home / "p", "--class", "a")


def export_target_full(curator: Callable[..., Answer], home: Path) -> Answer:
    """Export to a folder that holds something."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 2, "dog": 2}))
    return curator("export", home / "p", home / "in")


def decide_unknown_image(curator: Callable[..., Answer], home: Path) -> Answer:
    """Decide on an image that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("decide", home / "p", 10**30, "--keep")


def decide_unknown_class(curator: Callable[..., Answer], home: Path) -> Answer:
    """Relabel to a class that there is not."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 2}))
    return curator("decide", home / "p", 1, "--relabel", "wolf")


def decide_two_things(curator: Callable[..., Answer], home: Path) -> Answer:
    """Keep and delete at once."""
    curator("new", home / "p", "--class", "a")
    return curator("decide", home / "p", 1, "--keep", "--delete")


def undo_nothing(curator: Callable[..., Answer], home: Path) -> Answer:
    """Undo where nothing was decided."""
    curator("new", home / "p", "--class", "a")
    return curator("undo", home / "p")


def rank_without_run(curator: Callable[..., Answer], home: Path) -> Answer:
    """Rank before training."""
    curator("new", home / "p", "--class", "a")
    return curator("rank", home / "p")


def add_to_unknown_class(curator: Callable[..., Answer], home: Path) -> Answer:
    """Add a list to a class that there is not."""
    curator("new", home / "p", "--class", "a")
    (home / "list.txt").write_text("https://example.org/1.jpg\n")
    return curator("add", home / "p", "--class", "b", home / "list.txt")


def add_a_class_twice(curator: Callable[..., Answer], home: Path) -> Answer:
    """Make a class that is there already."""
    curator("new", home / "p", "--class", "a")
    (home / "list.txt").write_text("https://example.org/1.jpg\n")
    return curator("add", home / "p", "--class", "A", "--new-class", home / "list.txt")


def import_nothing(curator: Callable[..., Answer], home: Path) -> Answer:
    """Import a folder without images."""
    curator("new", home / "p", "--class", "a")
    return curator("import", home / "p", home)


def import_missing_table(curator: Callable[..., Answer], home: Path) -> Answer:
    """Import with a table that is not there."""
    curator("new", home / "p", "--class", "a")
    return curator("import", home / "p", home, "--labels", home / "no.csv")


def fetch_wrong_retry(curator: Callable[..., Answer], home: Path) -> Answer:
    """Fetch with a word that is no choice."""
    curator("new", home / "p", "--class", "a")
    return curator("fetch", home / "p", "--retry", "often")


def fetch_no_threads(curator: Callable[..., Answer], home: Path) -> Answer:
    """Fetch with no thread at all."""
    curator("new", home / "p", "--class", "a")
    return curator("fetch", home / "p", "--threads", 0)


def check_unknown_image(curator: Callable[..., Answer], home: Path) -> Answer:
    """Trace an image that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("check", home / "p", "--image", 10**30)


def train_one_fold(curator: Callable[..., Answer], home: Path) -> Answer:
    """Train with one fold."""
    curator("new", home / "p", "--class", "a")
    return curator("train", home / "p", "--folds", 1)


def train_unknown_backbone(curator: Callable[..., Answer], home: Path) -> Answer:
    """Train with a backbone that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("train", home / "p", "--backbone", "hunchback")


def train_unknown_device(curator: Callable[..., Answer], home: Path) -> Answer:
    """Train on a device that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("train", home / "p", "--device", "abacus")


def rank_to_a_folder(curator: Callable[..., Answer], home: Path) -> Answer:
    """Write the ranking where no file can be."""
    with Project.open(home / "sample"):
        pass
    (home / "in the way").write_text("")
    return curator("rank", home / "sample", "--csv", home / "in the way" / "rank.csv")


def export_unknown_run(curator: Callable[..., Answer], home: Path) -> Answer:
    """Export a run that there is not."""
    return curator("export-model", home / "sample", home / "out", "--run", 10**30)


def bundle_missing(curator: Callable[..., Answer], home: Path) -> Answer:
    """Predict with a folder that is no exported model."""
    return curator("predict", home, home / "picture.png")


def dashboard_without_project(curator: Callable[..., Answer], home: Path) -> Answer:
    """Open the page on a folder that is no project."""
    return curator("dashboard", home)


def dashboard_wrong_port(curator: Callable[..., Answer], home: Path) -> Answer:
    """Open the page on a port that there is not."""
    return curator("dashboard", "--port", 70000)


def demo_over_files(curator: Callable[..., Answer], home: Path) -> Answer:
    """Run the demo in a folder that holds something."""
    (home / "mine.txt").write_text("")
    return curator("demo", home)


def unknown_command(curator: Callable[..., Answer], home: Path) -> Answer:
    """Run a command that there is not."""
    return curator("frobnicate")


def unknown_option(curator: Callable[..., Answer], home: Path) -> Answer:
    """Give an option that there is not."""
    return curator("status", home, "--loud")


def missing_argument(curator: Callable[..., Answer], home: Path) -> Answer:
    """Leave an argument out."""
    return curator("decide", home)


def number_out_of_range(curator: Callable[..., Answer], home: Path) -> Answer:
    """Ask for the first zero images."""
    return curator("rank", home, "--top", 0)


BAD: list[tuple[Callable[..., Answer], int, str]] = [
    (empty_list, 2, "holds no usable address"),
    (missing_list, 2, "nowhere.txt cannot be read"),
    (class_with_slash, 2, "'a/b' cannot be a class name: it holds /"),
    (class_with_dot, 2, "starts or ends with a dot"),
    (class_unprintable, 2, "unprintable"),
    (class_twins, 2, "only by case"),
    (one_class_only, 1, "Only the class cat has images"),
    (class_with_one_image, 1, "The class dog has one image"),
    (nothing_left_to_train, 1, "There is no image to train on"),
    (nothing_left_to_export, 1, "There is no image to export"),
    (no_project, 2, "is not a project"),
    (project_exists, 2, "already holds a project"),
    (export_target_full, 2, "already holds files"),
    (decide_unknown_image, 2, "There is no image with id"),
    (decide_unknown_class, 2, "There is no class 'wolf'"),
    (decide_two_things, 2, "exactly one of"),
    (undo_nothing, 1, "no decision left to undo"),
    (rank_without_run, 1, "No run was trained"),
    (add_to_unknown_class, 2, "There is no class 'b'"),
    (add_a_class_twice, 2, "only by case"),
    (import_nothing, 2, "holds no labelled image"),
    (import_missing_table, 2, "no.csv cannot be read"),
    (fetch_wrong_retry, 2, "'often' is not known"),
    (fetch_no_threads, 2, "threads"),
    (check_unknown_image, 2, "There is no image with id"),
    (train_one_fold, 2, "at least 2 folds"),
    (train_unknown_backbone, 2, "hunchback"),
    (train_unknown_device, 2, "abacus"),
    (rank_to_a_folder, 1, "could not be written"),
    (export_unknown_run, 2, "There is no run"),
    (bundle_missing, 1, "is no exported model"),
    (dashboard_without_project, 2, "is not a project"),
    (dashboard_wrong_port, 2, "Port 70000 does not exist"),
    (demo_over_files, 2, "already holds files"),
    (unknown_command, 2, "No such command 'frobnicate'"),
    (unknown_option, 2, "--loud"),
    (missing_argument, 2, "IMAGE_ID"),
    (number_out_of_range, 2, "--top"),
]


@pytest.mark.parametrize(("act", "status", "said"), BAD, ids=[act.__name__ for act, _, _ in BAD])
def test_bad_input_has_a_named_error(
    act: Callable[..., Answer],
    status: int,
    said: str,
    curator: Callable[..., Answer],
    sample_folder: Path,
    tmp_path: Path,
) -> None:
    """One line on standard error says what is wrong; the status tells wrong use from failure."""
    if act in {rank_to_a_folder, export_unknown_run}:
        shutil.copytree(sample_folder, tmp_path / "sample")
    answer = act(curator, tmp_path)
    assert said in answer.err
    assert answer.status == status
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert "unforeseen" not in answer.err


def test_a_bad_decision_records_nothing(curator: Callable[..., Answer], small: Project) -> None:
    """With one unknown id or class in it, a decision is refused as a whole."""
    assert curator("decide", small.path, 1, 2, 31, "--delete").status == 2
    assert curator("decide", small.path, 1, "--relabel", "wolf").status == 2
    assert small.log().empty


def test_a_messy_list_is_taken_line_by_line(
    curator: Callable[..., Answer], tmp_path: Path
) -> None:
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
    assert again.json == [
        {
            "list": str(tmp_path / "list.txt"),
            "class": "a",
            "new": 0,
            "known": 2,
            "twice": 1,
            "refused": [
                {
                    "line": 4,
                    "text": "rubbish [bold] :bear:",
                    "problem": again.json[0]["refused"][0]["problem"],
                }
            ],
        }
    ]


# The way through, command by command


@pytest.mark.slow
def test_the_whole_way(curator: Callable[..., Answer], served: Served, tmp_path: Path) -> None:
    """From a new project to an exported folder, each command says what it did, also as JSON."""
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
    again = curator("fetch", home, "--allow-private", "--json")
    assert again.json["asked"] == 0

    write_folders(tmp_path / "more", {"a": 8, "b": 8}, start=200)
    imported = curator("import", home, tmp_path / "more", "--json")
    assert imported.json["images"] == 16

    checked = curator("check", home)
    assert checked.status == 0
    assert "26 images in 2 classes" in checked.out
    assert "One image through every stage" in checked.out
    parsed = curator("check", home, "--json", "--image", 3).json
    assert parsed["images"] == 26
    assert parsed["trace"][0]["result"].startswith("image 3")

    trained = curator("train", home, "--folds", 3)
    assert trained.status == 0
    assert "Run 1: error" in trained.out
    assert "majority" in trained.out
    assert curator("train", home, "--json").json["run"] == 2

    ranked = curator("rank", home, "--top", 5)
    assert "label_score" in ranked.out
    first = curator("rank", home, "--json").json
    assert len(first) == 26
    assert first[0]["label_score"] <= first[-1]["label_score"]
    curator("rank", home, "--csv", tmp_path / "rank.csv")
    with (tmp_path / "rank.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["image_id"]) for row in rows] == [row["image_id"] for row in first]
    assert curator("rank", home, "--csv", "-").out == (tmp_path / "rank.csv").read_text()

    matrix = curator("confusion", home, "--json").json
    assert matrix["labels"] == ["a", "b"]
    assert sum(map(sum, matrix["counts"])) == 26
    assert "label" in curator("confusion", home).out
    pairs = curator("most-confused", home, "--json").json
    assert sum(pair["count"] for pair in pairs) == matrix["counts"][0][1] + matrix["counts"][1][0]
    assert "is confused 27 times" in curator("most-confused", home, "--min", 27).out

    decided = curator("decide", home, 1, 2, "--delete", "--by", "ada", "--json")
    assert decided.json == {"batch": 1, "changed": [1, 2]}
    assert "1 images changed, 1 were so already" in curator("decide", home, 1, 3, "--delete").out
    assert curator("undo", home, "--json").json == [{"batch": 3, "images": [3]}]
    assert "images 1, 2" in curator("undo", home).out
    log = curator("log", home, "--json").json
    assert [row["action"] for row in log] == ["undo"] * 3 + ["delete"] * 3
    assert log[-1]["by"] == "ada"
    assert len(curator("log", home, "--limit", 2, "--json").json) == 2
    assert "label_before" in curator("log", home).out

    found = curator("runs", home, "--json").json
    assert [row["run"] for row in found["runs"]] == [1, 2]
    assert found["comparison"]["before"]["run"] == 1
    assert "validation images" in curator("runs", home).out

    status = curator("status", home, "--json").json
    assert status["images"] == 26
    assert status["job"] == {"kind": "train", "state": "done", "message": status["job"]["message"]}
    assert "letters in" in curator("status", home).out

    exported = curator("export", home, tmp_path / "out")
    assert "26 images and manifest.csv" in exported.out
    parsed = curator("export", home, tmp_path / "out2", "--json").json
    assert sum(row["images"] for row in parsed["counts"]) == 26


@pytest.mark.slow
def test_export_model_and_predict(
    curator: Callable[..., Answer], sample_copy: Project, tmp_path: Path
) -> None:
    """A bundle predicts; an unreadable image is named and does not stop the others."""
    answer = curator("export-model", sample_copy.path, tmp_path / "model")
    assert answer.status == 0
    assert "its answers agree" in answer.out
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
    assert [set(item) for item in parsed.json] == [{"image", "predictions"}, {"image", "error"}]
    assert curator("predict", tmp_path / "model", original).status == 0

    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    answer = curator("predict", tmp_path / "model", original)
    assert answer.status == 1
    assert "model.safetensors was altered" in answer.err
    weights.unlink()
    answer = curator("predict", tmp_path / "model", original)
    assert answer.status == 1
    assert "model.safetensors is missing" in answer.err


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
    arguments: list[str], curator: Callable[..., Answer], sample_folder: Path
) -> None:
    """What a machine asks for is JSON alone on standard output, without NaN."""
    answer = curator(arguments[0], sample_folder, *arguments[1:], "--json")
    assert (answer.status, answer.err) == (0, "")
    json.loads(answer.out, parse_constant=pytest.fail)


def test_an_empty_project_can_be_looked_at(
    curator: Callable[..., Answer], tmp_path: Path
) -> None:
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
    curator: Callable[..., Answer], sample_copy: Project
) -> None:
    """With no image left, ranking, confusion, check and status still answer."""
    sample_copy.decide(sample_copy.rank()["image_id"].tolist(), "delete")
    for command in ("rank", "confusion", "most-confused", "check", "status", "runs"):
        answer = curator(command, sample_copy.path)
        assert (answer.status, answer.err) == (0, ""), command
    assert curator("rank", sample_copy.path, "--json").json == []


def test_names_are_shown_as_they_are(curator: Callable[..., Answer], tmp_path: Path) -> None:
    """Brackets and colons in names are text, not colours or pictures."""
    curator("new", tmp_path / "p", "--class", "[red]bear", "--class", "b")
    root = write_folders(tmp_path / "in", {"[red]bear": 2, "b": 2})
    curator("import", tmp_path / "p", root)
    assert "[red]bear" in curator("check", tmp_path / "p").out
    assert "[red]bear" in curator("status", tmp_path / "p").out


# As a process


def test_a_list_from_standard_input(tmp_path: Path) -> None:
    """``-`` reads addresses in UTF-8 from a pipe, whatever the terminal's encoding is."""
    Project.create(tmp_path / "p", ["a"]).close()
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    child = start("add", tmp_path / "p", "--class", "a", "-", "--json", stdin=subprocess.PIPE, env=environment)
    text = "https://example.org/b\u00e4r.jpg\nhttps://example.org/2.jpg\n"
    assert child.stdin is not None
    child.stdin.reconfigure(encoding="utf-8")  # type: ignore[attr-defined]
    out, err = child.communicate(text, timeout=60)
    assert (child.returncode, err) == (0, "")
    assert json.loads(out)[0]["new"] == 2
    with Project.open(tmp_path / "p") as project, project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT origin FROM sources ORDER BY id").all()
    assert rows[0][0] == "https://example.org/b%C3%A4r.jpg"


def test_exit_status_of_the_process(sample_folder: Path, tmp_path: Path) -> None:
    """0 done, 1 failed, 2 wrong use: as a shell sees it, with nothing but the sentence."""
    Project.create(tmp_path / "p", ["a"]).close()
    for arguments, status in [
        (["log", sample_folder], 0),
        (["rank", tmp_path / "p"], 1),
        (["status", tmp_path], 2),
    ]:
        child = start(*arguments)
        out, err = child.communicate(timeout=60)
        assert child.returncode == status
        assert bool(out) == (status == 0)
        assert err.startswith("Error: ") or status == 0
        assert err.count("\n") == (status != 0)


@pytest.mark.parametrize("arguments", [["rank"], ["rank", "--csv", "-"], ["rank", "--json"], ["log"]])
@pytest.mark.skipif(os.name != "posix", reason="a closed pipe shows differently on Windows")
def test_a_reader_may_stop_reading(arguments: list[str], sample_folder: Path) -> None:
    """When `head` has seen enough, the command ends in peace."""
    child = start(arguments[0], sample_folder, *arguments[1:])
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    err = child.stderr.read()
    assert (child.wait(timeout=60), err) == (0, "")
    child.stderr.close()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is sent the POSIX way")
def test_ctrl_c_keeps_what_was_fetched(tmp_path: Path) -> None:
    """Interrupted in the middle, a fetch says so, keeps its images, and goes on when run again."""
    items = [
        Item(f"/{n}.png", "a", None, "slow", encoded(picture(n)), delay=0.1 if n < 15 else 5.0)
        for n in range(20)
    ]
    with serving(items) as served, Project.create(tmp_path / "p", ["a"]) as project:
        project.add("a", "\n".join(served.addresses("a")))
        child = start("fetch", project.path, "--allow-private", "--threads", 4)
        for _ in range(600):
            if project.status()["addresses"]["fetched"] >= 10:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=0.1)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out) == (1, "")
        assert err == "Error: Interrupted. What was done so far is kept; run it again to go on.\n"
        counts = project.status()["addresses"]
        assert 10 <= counts["fetched"] < 20
        assert counts["fetched"] + counts["pending"] == 20


def test_debugging_shows_the_traceback(tmp_path: Path) -> None:
    """With CURATOR_DEBUG set, an error comes with the place where it was raised."""
    child = start("status", tmp_path, env=os.environ | {"CURATOR_DEBUG": "1"})
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "Traceback" in err
    assert "NotAProject" in err
