"""Execute `notebooks/tutorial.ipynb` and keep what it prints and shows: run it when it has changed.

Times, versions and the second copy of each picture are left out: a commit shows what is new.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "tutorial.ipynb"
PATIENCE = 300  # seconds for one cell


def committed(path: Path = NOTEBOOK) -> Any:
    """The notebook as it is kept."""
    import nbformat  # takes a second, which tests of other things need not wait for

    return nbformat.read(path, as_version=4)


def executed(path: Path = NOTEBOOK) -> Any:
    """The notebook with the outputs of a fresh run; an error in a cell is raised."""
    from nbclient import NotebookClient

    notebook = committed(path)
    NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3").execute()
    notebook.metadata.pop("language_info", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "image/jpeg" in output.get("data", {}):
                output.data.pop("image/png", None)
    return notebook


if __name__ == "__main__":
    import nbformat

    nbformat.write(executed(), NOTEBOOK)
