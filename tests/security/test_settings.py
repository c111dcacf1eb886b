"""A folder, a home and an environment full of someone's settings and modules change nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import running
from tests.security.visiting import ask, enter, wait_for

if TYPE_CHECKING:
    from curator.project import Project

pytestmark = pytest.mark.slow  # starts dashboards

OPEN = "c.Voila.ip = '0.0.0.0'\nc.Voila.token = ''\nc.Voila.base_url = '/'\n"
OPEN_JSON = {"Voila": {"ip": "0.0.0.0", "token": "", "base_url": "/"}}
# Some are ours, some the packages' that we use, some of Python's own.
MODULES = ("requests", "torch", "widgets", "ipykernel", "numpy", "typer", "typing", "json", "html")
SCRIPT = Path(sys.executable).with_name("curator")


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Give the folder into which every file of the attacker's that is run writes its name."""
    (tmp_path / "trap").mkdir()
    return tmp_path / "trap"


@pytest.fixture
def hostile(tmp_path: Path, trap: Path) -> Path:
    """Give the folder that the user stands in; it is a home, too."""
    folder = tmp_path / "hostile"

    def put(path: str, text: str) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    def spring(name: str) -> str:
        return f"open({str(trap / name)!r}, 'w').close()\n"

    for name in MODULES:
        put(f"{name}.py", spring(f"{name}.py"))
        put(f"{name}/__init__.py", spring(f"{name} in a folder"))
    for place in (".", ".jupyter", "etc/jupyter", ".local/etc/jupyter"):
        for name in ("voila", "jupyter_config", "jupyter_server_config", "jupyter_notebook_config"):
            put(f"{place}/{name}.py", spring(f"{name}.py of {place[:6]}".replace("/", "_")) + OPEN)
            put(f"{place}/{name}.json", json.dumps(OPEN_JSON))
    for name in ("ipython_config.py", "ipython_kernel_config.py", "startup/00.py"):
        put(f".ipython/profile_default/{name}", spring(name.replace("/", "_")))
    kernel = [sys.executable, "-c", spring("kernel.json")]
    for data in (".local/share/jupyter", "share/jupyter"):
        put(
            f"{data}/kernels/python3/kernel.json",
            json.dumps({"argv": kernel, "language": "python", "display_name": "Python 3"}),
        )
        put(
            f"{data}/voila/templates/curator/conf.json",
            json.dumps(
                {"traitlet_configuration": {"file_allowlist": [".*"], "show_tracebacks": True}}
            ),
        )
        put(f"{data}/voila/templates/curator/index.html.j2", "hostile template")
    put("startup.py", spring("PYTHONSTARTUP"))
    return folder


def environment(hostile: Path) -> dict[str, str]:
    """Give the variables by which Jupyter and Python find the attacker's files."""
    return {
        "HOME": str(hostile),
        "XDG_DATA_HOME": str(hostile / ".local/share"),
        "JUPYTER_CONFIG_DIR": str(hostile / ".jupyter"),
        "JUPYTER_CONFIG_PATH": str(hostile / "etc/jupyter"),
        "JUPYTER_PATH": str(hostile / "share/jupyter"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "JUPYTER_TOKEN": "",
        "IPYTHONDIR": str(hostile / ".ipython"),
        "PYTHONSTARTUP": str(hostile / "startup.py"),
    }


def listening(port: int) -> set[str]:
    """Give the addresses on which something listens at ``port``, in the kernel's hexadecimal."""
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        if (table := Path("/proc/net", name)).exists()
        for line in table.read_text().splitlines()[1:]
    ]
    return {
        line[1].split(":")[0]
        for line in lines
        if line[3] == "0A" and line[1].endswith(f":{port:04X}")
    }


def test_the_dashboard_reads_nobodys_settings(hostile: Path, trap: Path, tmp_path: Path) -> None:
    """Address and token stay, the page is ours, and nothing of the attacker's runs anywhere."""
    with running(tmp_path, cwd=hostile, env=environment(hostile)) as dashboard:
        visit = enter(dashboard)
        if sys.platform == "linux":
            assert listening(visit.port) == {"0100007F"}
        assert ask(visit.port, "/").status == 403
        page = visit.page()  # the kernel has run the notebook
        assert "jupyter-config-data" in page
        assert "hostile template" not in page
        assert "application/vnd.jupyter.widget-view+json" in page
    assert [file.name for file in trap.iterdir()] == []


def test_commands_import_nothing_from_the_current_folder(
    hostile: Path, trap: Path, small: Project
) -> None:
    """Commands, the verifying processes and the worker, each started where the trap lies."""
    picture = small.originals
    python = [sys.executable, "-m", "curator"]
    queue = (
        "import sys; from curator import Project; from curator import worker\n"
        "print(worker.submit(Project.open(sys.argv[1]), 'check', {}))"
    )
    for command in (
        [*python, "status", small.path],
        [*python, "import", small.path, "--class", "cat", picture],
        [sys.executable, "-mcurator", "--version"],
        [SCRIPT, "--version"],
        [sys.executable, "-P", "-c", queue, small.path],
    ):
        done = subprocess.run(
            list(map(str, command)),
            cwd=hostile,
            env={**os.environ, "CURATOR_WORKER_IDLE": "0.1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
    wait_for(lambda: _ended(small))
    assert [file.name for file in trap.iterdir()] == []


def _ended(project: Project) -> bool:
    from curator.store import jobs

    newest = jobs.latest(project.database)
    return newest is not None and newest.state == "done"


def test_a_program_that_imports_the_curator_keeps_its_own_folder(tmp_path: Path) -> None:
    """Only the curator's own commands drop the current folder, not a user's `python -m`."""
    (tmp_path / "mine.py").write_text("import curator, beside; print(beside.WORD)")
    (tmp_path / "beside.py").write_text("WORD = 'found'")
    done = subprocess.run(
        [sys.executable, "-m", "mine"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "found\n"
