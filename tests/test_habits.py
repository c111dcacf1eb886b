"""Habits: test files say what they show, and a commit is checked as `make check` does."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_first_line_says_what_it_shows(path: Path) -> None:
    """A file of tests opens with a sentence."""
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert said
    first = said.splitlines()[0]
    assert first.endswith((".", ":", "?")), first
    assert len(first.split()) > 3, first


def test_a_commit_is_checked_as_make_check_does() -> None:
    """The hooks run what `make check` runs before its tests, and nothing of another host."""
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ncheck:")[2].partition("\n\n")[0]
    asked = [
        line.strip().removeprefix("$(BIN)/").split()
        for line in recipe.splitlines()
        if line.startswith("\t$(BIN)/") and "pytest" not in line
    ]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = [hook["entry"].removeprefix(".venv/bin/").split() for hook in hooks[0]["hooks"]]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}
    on_files = {"--force-exclude", "."}  # a commit's files stand for the whole folder
    assert [[word for word in entry if word not in on_files] for entry in entries] == [
        [word for word in command if word not in on_files] for command in asked
    ]


def test_the_docs_come_with_the_tests() -> None:
    """What the extra `docs` asks for is among the tests' packages, so the site is always built."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        extras = tomllib.load(stream)["project"]["optional-dependencies"]
    assert set(extras["docs"]) <= set(extras["test"])
