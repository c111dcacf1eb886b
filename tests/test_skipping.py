"""What CI lacks fails there: a test that is skipped for want of something shows nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUITE = """
from tests.conftest import lack, lacking, pytest_runtest_setup  # noqa: F401

import pytest

@lacking("no Chromium")
def test_marked():
    raise AssertionError("it must not run")

@pytest.fixture
def bears():
    lack("no bears")

def test_by_a_fixture(bears):
    raise AssertionError("it must not run")

@pytest.mark.skip(reason="another system")
def test_of_another_system():
    pass
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ci", "status", "said"),
    [("", 0, "3 skipped"), ("false", 0, "3 skipped"), ("true", 1, "1 skipped, 2 errors")],
)
def test_what_ci_can_have_must_be_there(ci: str, status: int, said: str, tmp_path: Path) -> None:
    """Skipped on a person's machine, an error with CI=true; other systems' tests are skipped."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_setup\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = lacking\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "."],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout
    if status:
        assert "no Chromium (CI must have it)" in done.stdout
        assert "no bears (CI must have it)" in done.stdout


def test_every_skip_says_why() -> None:
    """Skips in these tests have a reason; for what CI can have there is one way, in conftest."""
    own = {Path(__file__), ROOT / "tests" / "conftest.py"}
    for path in (ROOT / "tests").rglob("*.py"):
        if path in own:
            continue
        text = path.read_text(encoding="utf-8")
        for start in (place for place in range(len(text)) if text.startswith("mark.skip", place)):
            assert "reason=" in text[start : start + 400], path
