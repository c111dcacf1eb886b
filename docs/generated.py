"""Pages of the site that are made from the code when it is built, so that they cannot fall behind.

The reference of the command line from the commands themselves, that of the Python API from what
`curator` exports, and the tutorial from its executed notebook. A hook in mkdocs.yml.
"""

from __future__ import annotations

import base64
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

import curator
from curator import errors
from curator.cli.commands import command
from curator.cli.grouping import GROUPS

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "tutorial.ipynb"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are generated to those on disk."""
    notebook, pictures = notebook_page(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    pages: dict[str, str | bytes] = {
        "reference/cli.md": commands_page(),
        "reference/api.md": api_page(),
        "tutorial-notebook.md": notebook,
        **pictures,
    }
    for place, content in pages.items():
        files.append(File.generated(config, place, content=content))
    return files


def commands_page() -> str:
    """Every command by station, with its help as the terminal shows it."""
    root = command()
    parts = ["# The command line", "What each command says with `--help`."]
    context = root.make_context("curator", [], resilient_parsing=True)
    for group, names in GROUPS.items():
        parts.append(f"## {group}")
        for name in names:
            asked = root.commands[name]
            own = type(context)(asked, info_name=name, parent=context, terminal_width=96)
            parts += [f"### curator {name}", f"```text\n{asked.get_help(own)}\n```"]
    return "\n\n".join(parts) + "\n"


def api_page() -> str:
    """What `curator` exports: the project, then settings and results, then the errors."""
    raised = [name for name in curator.__all__ if hasattr(errors, name)]
    types = [
        name
        for name in curator.__all__
        if name not in {*raised, "Project", "__version__"}
        and inspect.isclass(getattr(curator, name))
    ]
    others = [
        name for name in curator.__all__ if name not in {*raised, *types, "Project", "__version__"}
    ]
    parts = [
        "# The Python API",
        (
            "What `curator` exports is promised; everything else may change. Each station is"
            " one method of a project. Settings are frozen objects whose fields give units and"
            " ranges; results are frozen objects with a `sentence` for people and `to_dict()` for"
            " machines; tables are pandas frames."
        ),
        "## The project",
        _directive("Project"),
        "## Settings and results",
        *map(_directive, [*types, *others]),
        "## Errors",
        *map(_directive, raised),
    ]
    return "\n\n".join(parts) + "\n"


def _directive(name: str) -> str:
    home = curator._PLACES.get(name, "curator.errors")
    inherited = "\n    options: {inherited_members: true}" if name == "Project" else ""
    return f"::: {home}.{name}{inherited}"


def notebook_page(notebook: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    """An executed notebook as a page, and its pictures by their place in the site."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/jpeg" in data:
                place = f"tutorial-{len(pictures) + 1}.jpg"
                pictures[place] = base64.b64decode("".join(data["image/jpeg"]))
                parts.append(f"![What the cell above shows]({place})")
            else:
                text = "".join(output.get("text") or data["text/plain"])
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n", pictures
