"""The server and its kernels read what this installation brought, and nothing that lies around.

Jupyter looks for settings, templates, kernels and pieces of the page in the current folder, in the
user's and the system's folders and wherever its environment variables point. A file there could
open the server to the network, switch its token off, or run code in the kernels.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
PACKAGES = ("voila", "nbconvert", "anywidget", "ipywidgets")
PREFIXES = ("JUPYTER", "IPYTHON", "VOILA", "JPY_", "PYTHONSTARTUP")


def data_folders() -> list[Path]:
    """Give the folders with the page's parts: our own, then those that came with the packages.

    Packages put them into ``share/jupyter`` of the place that they are installed in.
    """
    found = [ROOT / "jupyter"]
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for parent in Path(spec.origin or "").parents if spec else ():
            folder = parent / "share" / "jupyter"
            if folder.is_dir():
                if folder not in found:
                    found.append(folder)
                break
    return found


def isolate(private: Path) -> list[Path]:
    """Let this process and its children see nothing of anyone's but the data folders; return those.

    ``private``: an empty folder of this process; what Jupyter must write goes there. To be called
    before Voila is imported, as its modules keep the functions that are replaced here.
    """
    folders = data_folders()
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        del os.environ[name]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(map(str, folders))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        os.environ[name] = str(private / name.lower())
    # Kernels, workers and what they start: nothing from the folder that they happen to run in.
    os.environ["PYTHONSAFEPATH"] = "1"

    from jupyter_core import paths

    config = str(private / "jupyter_config_dir")

    def jupyter_path(*parts: str) -> list[str]:
        return [str(folder.joinpath(*parts)) for folder in folders]

    replaced: dict[str, Any] = {
        "jupyter_path": jupyter_path,
        "jupyter_config_path": lambda: [config],
        "jupyter_config_dir": lambda: config,
        "SYSTEM_JUPYTER_PATH": [],
        "ENV_JUPYTER_PATH": [],
        "SYSTEM_CONFIG_PATH": [config],
        "ENV_CONFIG_PATH": [config],
    }
    for name, value in replaced.items():
        setattr(paths, name, value)
    return folders
