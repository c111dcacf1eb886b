"""What the pages tell people to type works: commands parse, names of Python and files exist."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from pathlib import Path

import pytest

import curator
from curator.cli.commands import command

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md")),
]
CLI = command()
COMMANDS = CLI.commands  # type: ignore[attr-defined]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[Path, str]]:
    """Give (page, text) of every block of a language."""
    return [
        (page, inspect.cleandoc(text))
        for page in PAGES
        for _, kind, text in BLOCK.findall(page.read_text("utf-8"))
        if kind == language
    ]


def test_every_block_says_what_it_is() -> None:
    """There are blocks of shell and of Python, and none of a language that nothing here checks."""
    kinds = {kind for page in PAGES for _, kind, _ in BLOCK.findall(page.read_text("utf-8"))}
    assert kinds == {"sh", "python"}
    fences = sum(page.read_text("utf-8").count("```") for page in PAGES)
    assert fences == 2 * (len(blocks("sh")) + len(blocks("python")))


def test_commands_in_blocks_parse() -> None:
    """Each `curator` command of a shell block has a name, arguments and options that there are."""
    parsed = 0
    for page, text in blocks("sh"):
        for line in text.splitlines():
            for words in _commands(line):
                if words[:1] == ["curator"]:
                    _parse(words[1:], f"{page.name}: {line}")
                    parsed += 1
                elif words[:1] == ["make"]:
                    assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text("utf-8"), line
                else:
                    assert words[0] in {"cp", "pbpaste"}, f"{page.name}: {line}"
    assert parsed > 40


def _commands(line: str) -> list[list[str]]:
    """Give the words of each command of a line, without comments, pipes and `&&`."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    words.whitespace_split = True
    words.commenters = "#"
    commands: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("|&;"):
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def _parse(words: list[str], where: str) -> None:
    """Parse as the command line would; a usage error is raised with its place."""
    assert words[0] in COMMANDS, where
    try:
        COMMANDS[words[0]].make_context(words[0], words[1:])
    except Exception as error:
        raise AssertionError(f"{where}: {error}") from error


def test_commands_in_sentences_exist() -> None:
    """`curator NAME --option` within a sentence or a table names a command and its options."""
    seen = 0
    for page in PAGES:
        for span in re.findall(r"`(curator [^`]+)`", page.read_text("utf-8")):
            name, *rest = span.split()[1:]
            options = [re.match(r"--[a-z-]+", word) for word in rest]
            if name.startswith("--"):
                assert name in _options(CLI), f"{page.name}: {span}"
            elif name != "[PROJECT]":
                assert name in COMMANDS, f"{page.name}: {span}"
                known = _options(COMMANDS[name])
                assert {hit[0] for hit in options if hit} <= known, f"{page.name}: {span}"
                seen += 1
    assert seen > 50


def test_options_in_the_table_exist() -> None:
    """Each line of the table of commands names options of its own command alone."""
    rows = [
        line
        for line in (ROOT / "docs" / "commands.md").read_text("utf-8").splitlines()
        if line.startswith("| `curator ")
    ]
    for row in rows:
        name = row.split("`")[1].split()[1]
        if name == "[PROJECT]":
            continue
        spoken = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", row))
        assert spoken <= _options(COMMANDS[name]), row
    assert len(rows) == len(COMMANDS)


def _options(command: object) -> set[str]:
    """Give the long options of a command; of a group below the root, those of its commands too."""
    params = command.params  # type: ignore[attr-defined]
    found = {opt for param in params for opt in (*param.opts, *param.secondary_opts)} | {"--help"}
    below = {} if command is CLI else getattr(command, "commands", {})
    return found.union(*map(_options, below.values()))


def test_python_blocks_use_what_there_is() -> None:
    """They compile, import what is exported, and call methods of a project with its parameters."""
    calls = 0
    for page, text in blocks("python"):
        tree = ast.parse(text, page.name)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "curator":
                assert {alias.name for alias in node.names} <= set(curator.__all__), page.name
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in {"project", "Project"}:
                method = getattr(curator.Project, node.func.attr)
                own = () if owner.id == "Project" else (None,)
                keywords = {word.arg: None for word in node.keywords if word.arg}
                inspect.signature(method).bind(*own, *node.args, **keywords)
                calls += 1
            if isinstance(owner, ast.Name) and owner.id in curator.__all__:
                assert hasattr(getattr(curator, owner.id), node.func.attr)
    assert calls > 10


@pytest.mark.parametrize("page", ["how-to/hard-networks.md"])
def test_blocks_that_need_no_project_run(page: str) -> None:
    """Settings are made as the page makes them."""
    for path, text in blocks("python"):
        if path == ROOT / "docs" / page:
            exec(compile(text, page, "exec"), {})


def test_named_files_are_there() -> None:
    """Each file of the source that a page names, such as a benchmark, is in its place."""
    seen = 0
    for page in PAGES:
        text = page.read_text("utf-8")
        for name in re.findall(r"`((?:benchmarks|curator|widgets|docs|tests)/[\w./]*)", text):
            assert (ROOT / name).exists(), f"{page.name}: {name}"
            seen += 1
        for name in re.findall(r"`((?:check|collect|learn|review|store)/[\w/]+\.py)", text):
            assert (ROOT / "curator" / name).exists(), f"{page.name}: {name}"
    assert seen > 40


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_files_resolve(path: Path) -> None:
    """Relative links lead to files that are there, also when a page is read without the site."""
    made = {"tutorial-notebook.md", "reference/cli.md", "reference/api.md"}  # with the site
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text("utf-8")):
        if not target.startswith("http") and target not in made:
            assert (path.parent / target).exists(), target


def test_the_readme_is_short() -> None:
    """A hundred lines at most: what it is, a picture, two commands, three ways in, links."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 100
