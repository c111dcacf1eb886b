"""The error on sites that the model has not seen: what counts as a site, and what a leak does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from curator.learn.elsewhere import FEWEST_SITES, figures, sites
from curator.project import Project
from tests.pictures import picture

if TYPE_CHECKING:
    from pathlib import Path

SITES, EACH = 12, 8


def test_sites_with_near_duplicates_are_one() -> None:
    """Two hosts that show a copy of the same picture are judged together."""
    hosts = [f"host{place}.org" for place in range(24)]
    labels = np.arange(24) % 2
    groups = np.arange(24)
    alone, counted = sites(hosts, groups, labels)
    assert len(set(alone.tolist())) == 24
    assert counted.all()
    groups[5] = groups[0]
    joined, _ = sites(hosts, groups, labels)
    assert len(set(joined.tolist())) == 23
    assert joined[5] == joined[0]


def test_what_does_not_count() -> None:
    """Files without a host, a class of few sites, too few sites, and one site with most images."""
    labels = np.arange(60) % 2
    groups = np.arange(60)
    hosts = [f"host{place % 20}.org" for place in range(60)]
    some = ["" if place < 6 else host for place, host in enumerate(hosts)]
    assert sites(some, groups, labels)[1].tolist() == [place >= 6 for place in range(60)]
    third = np.where(np.isin(np.arange(60) % 20, [0, 1]), 2, labels)  # of two hosts alone
    assert (sites(hosts, groups, third)[1] == (third != 2)).all()
    few = [f"host{place % (FEWEST_SITES - 1)}.org" for place in range(60)]
    assert not sites(few, groups, labels)[1].any()
    most = ["big.org" if place < 40 else host for place, host in enumerate(hosts)]
    assert not sites(most, groups, labels)[1].any()
    assert not sites([""] * 60, groups, labels)[1].any()
    assert sites([], groups[:0], labels[:0])[1].shape == (0,)


def test_the_interval_is_over_sites() -> None:
    """Where whole sites err it is wider than that of as many single images; it holds the error."""
    site = np.repeat(np.arange(20), 10)
    wrong = np.isin(site, [3, 7])
    by_site = figures(wrong, wrong, site)
    single = figures(wrong, wrong, np.arange(200))
    assert by_site["error"] == single["error"] == pytest.approx(0.1)
    assert by_site["high"] - by_site["low"] > 1.5 * (single["high"] - single["low"])
    assert by_site["low"] <= by_site["error"] <= by_site["high"]
    none = figures(np.zeros(200, bool), wrong, site)
    assert (none["error"], none["low"], none["usual"]) == (0.0, 0.0, pytest.approx(0.1))
    assert 0.05 < none["high"] < 0.2  # of twenty sites, not of two hundred images


def test_the_interval_holds_the_truth() -> None:
    """In simulated sets of sites that err unevenly, nearly as often as it says."""
    random = np.random.default_rng(5)
    held = []
    for _ in range(200):
        rates = random.beta(0.6, 5.4, 30)
        site = np.repeat(np.arange(30), random.integers(3, 20, 30))
        wrong = random.random(len(site)) < rates[site]
        found = figures(wrong, wrong, site)
        held.append(found["low"] <= 0.1 <= found["high"])
    assert np.mean(held) > 0.9


@pytest.mark.slow
def test_a_leak_by_site_shows(tmp_path: Path) -> None:
    """What every site shows in its own tint is told by folds by chance, and not elsewhere."""
    random = np.random.default_rng(3)
    tints = random.integers(0, 255, (SITES, 3))
    with Project.create(tmp_path / "p") as project:
        for place in range(SITES):
            folder = tmp_path / "in" / ("cat" if place % 2 else "dog")
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(EACH):
                own = np.asarray(picture(100 * place + number), dtype=float)
                mixed = (0.3 * own + 0.7 * tints[place]).astype(np.uint8)
                Image.fromarray(mixed).save(folder / f"{place}-{number}.png")
        project.import_files(tmp_path / "in")
        assert "elsewhere" not in project.train().metrics  # files have no site
        with project.database.write() as connection:
            connection.execute(
                text(
                    "UPDATE sources SET kind = 'address', root = '', origin = 'http://host' || "
                    "substr(origin, 5, instr(origin, '-') - 5) || '.org/' || id || '.png'"
                )
            )
        trained = project.train()
        far = trained.metrics["elsewhere"]
        assert (far["images"], far["sites"]) == (SITES * EACH, SITES)
        assert far["usual"] == pytest.approx(trained.metrics["out_of_fold"]["error"], abs=1e-4)
        assert far["usual"] < 0.1
        assert far["error"] > 0.3
        assert "On sites that it had not seen" in trained.sentence
        project.export_model(tmp_path / "model", int8=False)
        card = (tmp_path / "model" / "README.md").read_text("utf-8")
        assert f"| sites that it had not seen ({SITES}) |" in card
