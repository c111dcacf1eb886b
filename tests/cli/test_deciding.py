"""Commands that write the ledger: decisions, classes, undo and redo, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.store import ledger
from tests.pictures import write_folders

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project
    from tests.cli.conftest import Curator


def test_deciding(curator: Curator, small: Project) -> None:
    """Decide, undo, redo and log agree on what was done, when and by whom."""
    home = small.path
    decided = curator("decide", home, 1, 2, "--delete", "--by", "ada", "--json")
    assert decided.json == {"batch": 2, "changed": [1, 2], "conflicts": [], "what": "deleted"}
    assert "1 image changed, 1 was so already" in curator("decide", home, 1, 3, "--delete").out
    undone = curator("undo", home, "--json")
    assert undone.json == [{"batch": 4, "images": [3], "what": "deleted"}]
    assert curator("undo", home).out == "Took back: deleted (images 1, 2).\n"
    assert curator("redo", home, "--by", "bo").out == "Did again: deleted (images 1, 2).\n"
    assert curator("redo", home, "--steps", 9, "--json").json[0]["images"] == [3]
    answer = curator("redo", home)
    assert (answer.status, answer.out) == (1, "")
    assert "nothing to redo" in answer.err
    log = curator("log", home, "--limit", 9, "--json").json
    assert [row["action"] for row in log] == [*["redo"] * 3, *["undo"] * 3, *["delete"] * 3]
    assert [row["by"] for row in log[1:3]] == ["bo", "bo"]
    assert log[-1]["by"] == "ada"
    assert len(curator("log", home, "--limit", 2, "--json").json) == 2
    assert "label_before" in curator("log", home).out


def test_an_import_is_taken_back(curator: Curator, small: Project, tmp_path: Path) -> None:
    """Undo after an import takes it back with its class and says so; redo brings it again."""
    home = small.path
    write_folders(tmp_path / "in", {"bee": 2, "owl": 1}, start=100)
    curator("import", home, tmp_path / "in")
    undone = curator("undo", home).out
    assert undone == "Took back: the import of 3 images and the class bee (images 31, 32, 33).\n"
    assert small.status().classes == {"cat": 12, "dog": 10, "owl": 8}
    assert "import that brought image 31 was" in curator("decide", home, 31, "--keep").err
    assert "the import of 3 images and the class bee" in curator("redo", home).out
    assert small.status().classes == {"bee": 2, "cat": 12, "dog": 10, "owl": 9}


@pytest.mark.parametrize(
    ("option", "state"),
    [
        (["--keep"], "kept"),
        (["--delete"], "deleted"),
        (["--unsure"], "unsure"),
        (["--several"], "several"),
        (["--none"], "none"),
        (["--relabel", "OWL"], "kept"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_every_outcome_has_an_option(
    option: list[str], state: str, curator: Curator, small: Project
) -> None:
    """Each outcome is an option, and gives the image the state that it means."""
    assert "1 image changed" in curator("decide", small.path, 4, *option).out
    with small.database.read() as connection:
        assert ledger.current_of(connection, [4])[4].state == state


def test_what_was_decided_on_can_be_left_alone(curator: Curator, small: Project) -> None:
    """With --undecided, images that someone decided on stay as they are and are named."""
    home = small.path
    curator("merge-classes", home, "owl", "dog")  # moves images, but decides on none
    owl = small.log(1)["image_id"].iloc[0]
    curator("decide", home, 1, 2, "--keep")
    answer = curator("decide", home, 1, 3, owl, "--delete", "--undecided", "--json").json
    assert (answer["changed"], answer["conflicts"]) == ([3, owl], [1])
    said = curator("decide", home, 2, 4, "--delete", "--undecided").out
    assert said == "delete: 1 image changed, decided on before and left as they are: 2.\n"


def test_classes(curator: Curator, small: Project) -> None:
    """Classes are made, renamed, merged and listed; undo takes each back."""
    home = small.path
    assert curator("new-class", home, "bee").out == "Made the class bee.\n"
    assert curator("rename-class", home, "OWL", "barn owl").out == "Renamed owl to barn owl.\n"
    merged = curator("merge-classes", home, "barn owl", "dog", "--by", "ada")
    assert merged.out == "Merged barn owl into dog: 8 images moved.\n"
    rows = curator("classes", home, "--json").json
    expected = [("cat", 12), ("dog", 18), ("bee", 0)]
    assert [(row["class"], row["images"]) for row in rows] == expected
    listed = curator("classes", home).out
    assert "dog" in listed
    assert "barn owl" not in listed
    acts = curator("log", home, "--classes", "--json").json
    assert [(row["action"], row["by"]) for row in acts[:1]] == [("merge", "ada")]
    assert "name_before" in curator("log", home, "--classes").out
    undone = curator("undo", home, "--steps", 3).out.splitlines()
    assert undone[0].startswith("Took back: merged barn owl into dog (images 23, 24, ")
    assert undone[1:] == [
        "Took back: renamed owl to barn owl.",
        "Took back: made the class bee.",
    ]
    assert small.class_names() == ["cat", "dog", "owl"]
    assert curator("redo", home, "--json").json[0]["what"] == "made the class bee"
    assert "nothing changed" in curator("rename-class", home, "cat", "cat").out
    answer = curator("rename-class", home, "cat", "kitty", "--json").json
    assert answer["what"] == "renamed cat to kitty"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rename-class", "wolf", "dog"], "no class 'wolf'"),
        (["rename-class", "cat", "DOG"], "only by case"),
        (["rename-class", "cat", "a/b"], "cannot be a class name"),
        (["merge-classes", "cat", "CAT"], "into itself"),
        (["merge-classes", "cat", "wolf"], "no class 'wolf'"),
        (["new-class", "dog"], "is there already"),
    ],
    ids=" ".join,
)
def test_a_wrong_change_is_said_and_not_recorded(
    arguments: list[str], said: str, curator: Curator, small: Project
) -> None:
    """Each wrong change of classes has its error, wrong use by its status, and leaves no row."""
    command, *rest = arguments
    answer = curator(command, small.path, *rest)
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert "No class was changed yet" in curator("log", small.path, "--classes").out


def test_the_environment_names_the_reviewer(
    curator: Curator, small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CURATOR_REVIEWER signs decisions and classes; --by goes before it."""
    monkeypatch.setenv("CURATOR_REVIEWER", " grace ")
    curator("decide", small.path, 1, "--keep")
    curator("decide", small.path, 2, "--keep", "--by", "ada")
    curator("rename-class", small.path, "cat", "kitty")
    curator("undo", small.path)
    assert list(small.log(2)["by"]) == ["ada", "grace"]
    acts = curator("log", small.path, "--classes", "--json").json
    assert [row["by"] for row in acts] == ["grace", "grace"]


def test_a_finding_is_dismissed_and_brought_back(curator: Curator, sample_copy: Project) -> None:
    """By the name that the check gives it; undo takes it back, and what is unknown is named."""
    folder = sample_copy.path
    done = curator("dismiss", folder, "near_duplicates")
    assert (done.status, done.err) == (0, "")
    assert "Dismissed the finding near duplicates of" in done.out
    assert "- near_duplicates, no problem as you said" in curator("check", folder).out
    assert "Brought back" in curator("dismiss", folder, "near_duplicates", "--back").out
    assert (
        curator("dismiss", folder, "near_duplicates", "--back").out == "Nothing was left to do.\n"
    )
    assert "Took back: brought back the finding" in curator("undo", folder).out
    wrong = curator("dismiss", folder, "nearly")
    assert (wrong.status, wrong.out) == (2, "")
    assert "'nearly' cannot be dismissed" in wrong.err


@pytest.mark.slow
def test_the_run_in_use_is_chosen(curator: Curator, sample_copy: Project) -> None:
    """It is told by runs and status; what is no run is refused."""
    folder = sample_copy.path
    sample_copy.decide([1], "delete")
    refit = sample_copy.refit().run
    assert curator("use-run", folder, refit).out == "Run 2, an automatic refit is in use.\n"
    assert "run 2, an automatic refit, chosen by you" in curator("status", folder).out
    rows = curator("runs", folder, "--json").json["runs"]
    assert [row["in_use"] for row in rows] == [False, True]
    assert "in use" in curator("runs", folder).out
    assert curator("use-run", folder, "newest", "--json").json["run"] == 1
    assert "is no run" in curator("use-run", folder, "some").err
    assert "There is no run 9" in curator("use-run", folder, 9).err
