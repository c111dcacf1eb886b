"""The folder that serves elsewhere: whole, pinned, and in need of nothing that lies here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import curator
from curator.cli import run
from curator.errors import TargetNotEmpty
from curator.serve.deploy import NEEDED, PACKAGE, deploy_model, pinned, sources
from tests.conftest import lack
from tests.serve.conftest import drawn
from tests.serving import serving


@pytest.mark.slow
def test_what_is_imported_is_pinned() -> None:
    """Every package that the served modules load when they start is among the requirements."""
    code = (
        "import sys, importlib.metadata as m; import curator.serve.server, curator.serve.decoding;"
        "import curator.encode.backbones, curator.encode.preprocess;"
        "names = {name.partition('.')[0] for name in sys.modules};"
        "print(*{d for n, ds in m.packages_distributions().items() if n in names for d in ds})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.lower().replace("_", "-") for name in done.stdout.split()}
    # Of Python's own installation, and ourselves.
    loaded -= {"setuptools", "image-curator", "pip"}
    names = {Requirement(line).name for line in pinned(NEEDED)}
    assert loaded - names == set()
    assert not {"torch", "torchvision", "timm", "pandas", "sqlalchemy", "voila"} & names


def test_the_sources_are_few_and_ours() -> None:
    """No page, no project, no command line; what is there is as it lies here."""
    files = sources()
    assert {"curator/serve/server.py", "curator/serve/static/page.js"} <= set(files)
    rooms = {name.split("/")[1] for name in files}
    assert not rooms & {"cli", "review", "check", "find", "project.py", "worker.py", "sample"}
    learn = {name for name in files if name.startswith("curator/learn/")}
    assert learn - {"curator/learn/__init__.py"} == {
        f"curator/learn/strangers/{name}.py" for name in ("__init__", "gate", "subspace")
    }
    assert all(path.is_relative_to(PACKAGE) for path in files.values())


@pytest.fixture(scope="module")
def deployed(served_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write it once."""
    folder = tmp_path_factory.mktemp("deployed") / "service"
    report = deploy_model(served_model, folder)
    assert report.classes == ("three", "five", "eight")
    return folder


@pytest.mark.slow
def test_the_folder_is_whole(deployed: Path, served_model: Path) -> None:
    """Each place finds what it looks for, and the model is unchanged."""
    readme = (deployed / "README.md").read_text("utf-8")
    about = yaml.safe_load(readme.split("---")[1])
    assert (about["sdk"], about["app_port"]) == ("docker", 7860)
    docker = (deployed / "Dockerfile").read_text("utf-8")
    assert f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim" in docker
    assert "7860" in docker
    assert "ExecStart=" in (deployed / "classifier.service").read_text("utf-8")
    assert "$" not in readme + docker
    for file in served_model.iterdir():
        assert (deployed / "model" / file.name).read_bytes() == file.read_bytes()
    places = (str(Path(curator.__file__).parents[1]), str(Path.home()))
    for file in deployed.rglob("*"):
        if file.suffix in {".md", ".txt", ".service"} or file.name == "Dockerfile":
            assert not any(place in file.read_text("utf-8") for place in places), file


@pytest.mark.slow
def test_nothing_is_overwritten(
    deployed: Path, served_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that holds files is left as it is, by the command and by Python."""
    with pytest.raises(TargetNotEmpty):
        deploy_model(served_model, deployed)
    assert run(["deploy", str(served_model), str(deployed)]) == 2
    assert "already holds files" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_serves_in_a_new_environment(deployed: Path, tmp_path: Path) -> None:
    """With its own requirements alone, and nothing of this project on the path, it answers."""
    moved = Path(shutil.copytree(deployed, tmp_path / "elsewhere"))
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "-r",
        moved / "requirements.txt",
    ]
    done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and "No matching distribution" in done.stderr:
        lack("no package index from which the requirements can be installed")
    assert done.returncode == 0, done.stderr
    command = [str(python), "-I", str(moved / "app.py"), "--port", "0"]
    with serving(moved, tmp_path / "run", command=command, environment=environment) as service:
        answer = service.ask("/classify", drawn(160))
        assert answer.status == 200
        assert {label for label, _ in answer.said["predictions"]} == {"three", "five", "eight"}
        assert service.ask("/").status == 200
    code = "import importlib.util as u; print([bool(u.find_spec(n)) for n in ('torch', 'curator')])"
    found = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[False, False]"
