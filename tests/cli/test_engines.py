"""Commands and a cluster: which options go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Curator


@pytest.mark.parametrize(
    "option", [("--address", "127.0.0.1:6379"), ("--place", "/tmp"), ("--features",)]
)
def test_options_of_a_cluster_need_one(
    option: tuple[str, ...], curator: Curator, tmp_path: Path
) -> None:
    """Whoever forgets --engine ray learns of it, instead of fetching here."""
    curator("new", tmp_path / "p", "--class", "a")
    answer = curator("fetch", tmp_path / "p", *option)
    assert (answer.status, "--engine ray" in answer.err) == (2, True)
    assert curator("fetch", tmp_path / "p", "--engine", "ray").status == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--address", "127.0.0.1:6379"), "--engine ray"),
        (("--engine", "ray", "--recipe", "finetune"), "Fine-tuning runs on one machine"),
    ],
)
def test_training_on_a_cluster_is_told_before_it_begins(
    options: tuple[str, ...], said: str, curator: Curator, tmp_path: Path
) -> None:
    """Neither a cluster without its engine, nor one for what runs on one machine."""
    curator("new", tmp_path / "p", "--class", "a")
    answer = curator("train", tmp_path / "p", *options)
    assert (answer.status, said in answer.err) == (2, True)
