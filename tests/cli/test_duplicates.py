"""The command `duplicates`: groups are listed, and what stays of them is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.project import Project
    from tests.cli.conftest import Curator


def test_groups_on_the_command_line(curator: Curator, sample_copy: Project) -> None:
    """Listed with class, size and source; kept by id or the best of all."""
    left, right = (image.id for image in sample_copy.duplicate_groups()[0].images)
    listed = curator("duplicates", sample_copy.path, "--top", 2)
    assert listed.status == 0
    assert "160 x 160" in listed.out
    assert len(curator("duplicates", sample_copy.path, "--json").json) == 10
    kept = curator("duplicates", sample_copy.path, "--keep", left)
    assert "1 image deleted." in kept.out
    assert sample_copy.queue("trash").ids.tolist() == [right]
    assert "9 images deleted" in curator("duplicates", sample_copy.path, "--keep-best").out
    assert "No image is there twice" in curator("duplicates", sample_copy.path).out
    assert curator("duplicates", sample_copy.path, "--keep", left, "--keep-best").status == 2
