"""Every bad input by name: one sentence, the right exit status, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Answer, Curator
from tests.conftest import copy_project
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project

Act = Callable[[Curator, "Path"], Answer]


def empty_list(curator: Curator, home: Path) -> Answer:
    """Add a list that holds nothing."""
    curator("new", home / "p", "--class", "a")
    (home / "list.txt").write_text("\n\n# nothing\n")
    return curator("add", home / "p", "--class", "a", home / "list.txt")


def missing_list(curator: Curator, home: Path) -> Answer:
    """Add a list that is not there."""
    curator("new", home / "p", "--class", "a")
    return curator("add", home / "p", "--class", "a", home / "nowhere.txt")


def class_with_slash(curator: Curator, home: Path) -> Answer:
    """Name a class with a slash."""
    return curator("new", home / "p", "--class", "a/b")


def class_with_dot(curator: Curator, home: Path) -> Answer:
    """Name a class with a leading dot."""
    return curator("new", home / "p", "--class", ".hidden")


def class_unprintable(curator: Curator, home: Path) -> Answer:
    """Name a class with a character that cannot be printed."""
    return curator("new", home / "p", "--class", "a\x07b")


def class_twins(curator: Curator, home: Path) -> Answer:
    """Name two classes that differ only by case."""
    return curator("new", home / "p", "--class", "bear", "--class", "Bear")


def one_class_only(curator: Curator, home: Path) -> Answer:
    """Train with images in one class only."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 5}))
    return curator("train", home / "p")


def class_with_one_image(curator: Curator, home: Path) -> Answer:
    """Train where a class has a single image."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 5, "dog": 1}))
    return curator("train", home / "p")


def nothing_left_to_train(curator: Curator, home: Path) -> Answer:
    """Train after every image was deleted in review."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 2, "dog": 2}))
    curator("decide", home / "p", 1, 2, 3, 4, "--delete")
    return curator("train", home / "p")


def nothing_left_to_export(curator: Curator, home: Path) -> Answer:
    """Export after every image was deleted in review."""
    nothing_left_to_train(curator, home)
    return curator("export", home / "p", home / "out")


def no_project(curator: Curator, home: Path) -> Answer:
    """Ask a folder that is no project."""
    return curator("status", home)


def project_exists(curator: Curator, home: Path) -> Answer:
    """Make a project twice."""
    curator("new", home / "p", "--class", "a")
    return curator("new", home / "p", "--class", "a")


def export_target_full(curator: Curator, home: Path) -> Answer:
    """Export to a folder that holds something."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 2, "dog": 2}))
    return curator("export", home / "p", home / "in")


def decide_unknown_image(curator: Curator, home: Path) -> Answer:
    """Decide on an image that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("decide", home / "p", 10**30, "--keep")


def decide_unknown_class(curator: Curator, home: Path) -> Answer:
    """Relabel to a class that there is not."""
    curator("new", home / "p")
    curator("import", home / "p", write_folders(home / "in", {"cat": 2}))
    return curator("decide", home / "p", 1, "--relabel", "wolf")


def decide_two_things(curator: Curator, home: Path) -> Answer:
    """Keep and delete at once."""
    curator("new", home / "p", "--class", "a")
    return curator("decide", home / "p", 1, "--keep", "--delete")


def undo_nothing(curator: Curator, home: Path) -> Answer:
    """Undo where nothing was decided."""
    curator("new", home / "p", "--class", "a")
    return curator("undo", home / "p")


def rank_without_run(curator: Curator, home: Path) -> Answer:
    """Rank before training."""
    curator("new", home / "p", "--class", "a")
    return curator("rank", home / "p")


def add_to_unknown_class(curator: Curator, home: Path) -> Answer:
    """Add a list to a class that there is not."""
    curator("new", home / "p", "--class", "a")
    (home / "list.txt").write_text("https://example.org/1.jpg\n")
    return curator("add", home / "p", "--class", "b", home / "list.txt")


def add_a_class_twice(curator: Curator, home: Path) -> Answer:
    """Make a class that is there already."""
    curator("new", home / "p", "--class", "a")
    (home / "list.txt").write_text("https://example.org/1.jpg\n")
    return curator("add", home / "p", "--class", "A", "--new-class", home / "list.txt")


def import_nothing(curator: Curator, home: Path) -> Answer:
    """Import a folder without images."""
    curator("new", home / "p", "--class", "a")
    return curator("import", home / "p", home)


def import_missing_table(curator: Curator, home: Path) -> Answer:
    """Import with a table that is not there."""
    curator("new", home / "p", "--class", "a")
    return curator("import", home / "p", home, "--labels", home / "no.csv")


def fetch_wrong_retry(curator: Curator, home: Path) -> Answer:
    """Fetch with a word that is no choice."""
    curator("new", home / "p", "--class", "a")
    return curator("fetch", home / "p", "--retry", "often")


def fetch_no_threads(curator: Curator, home: Path) -> Answer:
    """Fetch with no thread at all."""
    curator("new", home / "p", "--class", "a")
    return curator("fetch", home / "p", "--threads", 0)


def check_unknown_image(curator: Curator, home: Path) -> Answer:
    """Trace an image that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("check", home / "p", "--image", 10**30)


def train_one_fold(curator: Curator, home: Path) -> Answer:
    """Train with one fold."""
    curator("new", home / "p", "--class", "a")
    return curator("train", home / "p", "--folds", 1)


def train_unknown_backbone(curator: Curator, home: Path) -> Answer:
    """Train with a backbone that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("train", home / "p", "--backbone", "hunchback")


def train_unknown_device(curator: Curator, home: Path) -> Answer:
    """Train on a device that there is not."""
    curator("new", home / "p", "--class", "a")
    return curator("train", home / "p", "--device", "abacus")


def rank_to_a_folder(curator: Curator, home: Path) -> Answer:
    """Write the ranking where no file can be."""
    (home / "in the way").write_text("")
    return curator("rank", home / "sample", "--csv", home / "in the way" / "rank.csv")


def export_unknown_run(curator: Curator, home: Path) -> Answer:
    """Export a run that there is not."""
    return curator("export-model", home / "sample", home / "out", "--run", 10**30)


def bundle_missing(curator: Curator, home: Path) -> Answer:
    """Predict with a folder that is no exported model."""
    return curator("predict", home, home / "picture.png")


def dashboard_without_project(curator: Curator, home: Path) -> Answer:
    """Open the page on a folder that is no project."""
    return curator("dashboard", home)


def dashboard_wrong_port(curator: Curator, home: Path) -> Answer:
    """Open the page on a port that there is not."""
    return curator("dashboard", "--port", 70000)


def demo_over_files(curator: Curator, home: Path) -> Answer:
    """Run the demo in a folder that holds something."""
    (home / "mine.txt").write_text("")
    return curator("demo", home)


def unknown_command(curator: Curator, home: Path) -> Answer:
    """Run a command that there is not."""
    return curator("frobnicate")


def unknown_option(curator: Curator, home: Path) -> Answer:
    """Give an option that there is not."""
    return curator("status", home, "--loud")


def missing_argument(curator: Curator, home: Path) -> Answer:
    """Leave an argument out."""
    return curator("decide", home)


def number_out_of_range(curator: Curator, home: Path) -> Answer:
    """Ask for the first zero images."""
    return curator("rank", home, "--top", 0)


BAD: list[tuple[Act, int, str]] = [
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
    (undo_nothing, 1, "no act left to undo"),
    (rank_without_run, 1, "No run was trained"),
    (add_to_unknown_class, 2, "There is no class 'b'"),
    (add_a_class_twice, 2, "only by case"),
    (import_nothing, 2, "holds no labelled image"),
    (import_missing_table, 2, "no.csv cannot be read"),
    (fetch_wrong_retry, 2, "'often' is not known"),
    (fetch_no_threads, 2, "threads"),
    (check_unknown_image, 2, "There is no image with id"),
    (train_one_fold, 2, "folds cannot be 1: "),
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


SLOW = {train_unknown_backbone}  # timm is asked for the nearest names


@pytest.mark.parametrize(
    ("act", "status", "said"),
    [
        pytest.param(*row, id=row[0].__name__, marks=[pytest.mark.slow] * (row[0] in SLOW))
        for row in BAD
    ],
)
def test_bad_input_has_a_named_error(
    act: Act,
    status: int,
    said: str,
    curator: Curator,
    sample_folder: Path,
    tmp_path: Path,
) -> None:
    """One line on standard error says what is wrong; the status tells wrong use from failure."""
    if act in {rank_to_a_folder, export_unknown_run}:
        copy_project(sample_folder, tmp_path / "sample")
    answer = act(curator, tmp_path)
    assert said in answer.err
    assert answer.status == status
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert "unforeseen" not in answer.err


def test_a_bad_decision_records_nothing(curator: Curator, small: Project) -> None:
    """With one unknown id or class in it, a decision is refused as a whole."""
    assert curator("decide", small.path, 1, 2, 31, "--delete").status == 2
    assert curator("decide", small.path, 1, "--relabel", "wolf").status == 2
    assert set(small.log()["action"]) == {"import"}
