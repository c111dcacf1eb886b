"""The wheel: three packages and nothing beside them, with every file that the page needs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import curator

ROOT = Path(__file__).parents[1]
PACKAGES = ("curator", "widgets", "notebooks")
# By node, of the page's scripts: nobody who installs the wheel needs it.
CHECKS = {
    f"widgets/{name}"
    for name in (
        ".npmrc",
        "biome.json",
        "check_scripts.sh",
        "dom_for_tests.js",
        "package.json",
        "package-lock.json",
        "tsconfig.json",
    )
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel from this folder, as an installer would; the files inside."""
    folder = tmp_path_factory.mktemp("wheel")
    [wheel] = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as opened:
        return opened.namelist()


def test_top_level_names(names: list[str]) -> None:
    """Whoever installs the wheel gets these names, and no others, beside other packages."""
    about = f"image_curator-{curator.__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {*PACKAGES, about}
    assert f"{about}/licenses/LICENSE" in names
    assert f"{about}/entry_points.txt" in names


def test_every_file_is_inside(names: list[str]) -> None:
    """Code, styles, scripts, the page's template and the notebook: all but what checks these."""
    here = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file()
        and not {"__pycache__", "node_modules"} & set(file.parts)
        and file.name != ".DS_Store"
    }
    checks = CHECKS | {name for name in here if name.endswith(".d.ts")}
    assert checks < here
    here -= checks
    assert {name for name in names if name.startswith(PACKAGES)} == here
    kinds = {Path(name).suffix for name in here}
    assert {".py", ".css", ".js", ".ipynb", ".j2"} <= kinds
