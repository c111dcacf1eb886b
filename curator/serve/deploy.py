"""The folder that serves a model elsewhere: what another machine needs, and nothing of this one.

    app.py                the command
    model/                the exported model, unchanged
    curator/              the modules that serving needs, found by their imports
    requirements.txt      the packages that they need, with the exact versions of this installation
    Dockerfile, README.md, classifier.service

The same folder is a Hugging Face Space. Before it appears its ``app.py`` has answered once.
"""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from curator.errors import BundleInvalid, JobError
from curator.files import replacing_folder, write_atomic
from curator.jobs.report import Report
from curator.platform import shell_command
from curator.serve.model import Model
from curator.trust import not_plain
from curator.version import __version__

PACKAGE = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).with_name("deployed")
ROOTS = ("curator.serve.server", "curator.serve.decoding")
# What their modules import by themselves; what these need follows from their metadata.
NEEDED = (
    *("certifi", "filelock", "idna", "numpy", "onnxruntime", "pillow", "platformdirs", "pydantic"),
    *("python-multipart", "requests", "safetensors", "starlette", "urllib3", "uvicorn"),
)
SECONDS = 120  # for the folder's first answer


@dataclass(frozen=True, kw_only=True)
class DeployReport(Report):
    """A folder that serves a model."""

    folder: str
    classes: tuple[str, ...]
    """In the order of the model's outputs."""
    requirements: tuple[str, ...]
    """Every package with its version, such as ``numpy==2.4.6``."""
    bytes: int
    """Of all files."""


def deploy_model(model: str | Path, out: str | Path) -> DeployReport:
    """Write the new folder ``out``, which serves the exported model in the folder ``model``.

    Raises BundleInvalid, TargetNotEmpty, FileError, and JobError when the folder, tried before it
    appears, does not answer.
    """
    target = Path(out).expanduser().resolve()
    loaded = Model(Path(model))
    requirements = pinned(NEEDED)
    with replacing_folder(target) as folder:
        _copy_model(loaded.folder, folder / "model")
        for name, path in sources().items():
            write_atomic(folder / name, path.read_bytes())
        write_atomic(folder / "LICENSE", _licence().encode())
        write_atomic(folder / "requirements.txt", "\n".join([*requirements, ""]).encode())
        write_atomic(folder / ".dockerignore", b".venv\n**/__pycache__\n")
        write_atomic(
            folder / ".gitattributes",
            b"*.onnx filter=lfs diff=lfs merge=lfs -text\n"
            b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
        )
        shown = ", ".join(loaded.classes[:20]) + (", …" if len(loaded.classes) > 20 else "")
        words = {
            "title": loaded.folder.name,
            "number": len(loaded.classes),
            "classes": shown,
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "version": __version__,
        }
        for file in sorted(TEMPLATES.iterdir()):
            if file.is_file():
                text = file.read_text(encoding="utf-8")
                if file.suffix != ".py":
                    text = string.Template(text).substitute(words)
                write_atomic(folder / file.name, text.encode())
        _try(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return DeployReport(
        folder=str(target),
        classes=loaded.classes,
        requirements=tuple(requirements),
        bytes=size,
        sentence=f"The service is in {target}; its README.md tells how to run it. Here, at once: "
        f"{shell_command(sys.executable, target / 'app.py')}",
    )


def sources() -> dict[str, Path]:
    """The files of the curator that serving needs, by their paths in the folder."""
    waiting, found = list(ROOTS), dict[str, Path]()
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if name in found or path is None:
            continue
        found[name] = path
        waiting.append(name.rpartition(".")[0])
        waiting += _imported(ast.parse(path.read_text(encoding="utf-8")))
    static = (PACKAGE / "serve" / "static").iterdir()
    files = [*found.values(), *static]
    return {f"curator/{path.relative_to(PACKAGE).as_posix()}": path for path in sorted(files)}


def pinned(names: tuple[str, ...]) -> list[str]:
    """The packages ``names`` and all that they need, with the versions that are installed here."""
    waiting, found = list(names), dict[str, str]()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        package = importlib.metadata.distribution(name)
        # A build tag, such as +cpu, is of this machine.
        found[name] = package.version.partition("+")[0]
        for line in package.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return [f"{name}=={found[name]}" for name in sorted(found)]


def _file_of(name: str) -> Path | None:
    """The file of a module of the curator; None for what is no module."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return None
    place = PACKAGE.joinpath(*parts[1:])
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return file if file.is_file() else None


def _imported(tree: ast.AST) -> Iterator[str]:
    """Names that may be modules, of all imports but those for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from _imported(node)


def _copy_model(source: Path, target: Path) -> None:
    target.mkdir()
    for file in sorted(source.iterdir()):
        if problem := not_plain(file):
            raise BundleInvalid(
                f"{file} {problem}, and a model folder holds plain files.",
                "Take it out of the folder, or export the model again.",
            )
        shutil.copyfile(file, target / file.name)


def _licence() -> str:
    """The text of the curator's licence, from where it is installed."""
    beside = PACKAGE.parent / "LICENSE"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    files = importlib.metadata.files("image-curator") or []
    return next((file.read_text() for file in files if file.name == "LICENSE"), "Apache-2.0\n")


def _try(folder: Path) -> None:
    """Let the folder answer once. Raises JobError."""
    done = subprocess.run(  # noqa: S603  our own file, by this interpreter
        [sys.executable, "-I", "-B", folder / "app.py", "--check"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise JobError(
            f"The folder that was to serve the model does not answer: {said}.",
            "Nothing was written. Install the curator anew, and export the model again.",
        )
