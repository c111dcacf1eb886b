"""Failures in groups: what they say, and trying one group again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.collect.failures import addresses, report
from curator.collect.http.client import FetchSettings
from curator.errors import InputError
from curator.imaging.reasons import Reason
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from curator.sample.server import Served

PRIVATE = {"allow_private": True, "backoff": 0.0}


def items() -> list[Item]:
    """Two with one content, two dead, a busy one, a page."""
    good = encoded(picture(1))
    return [
        Item("/1.png", "a", None, "", good),
        Item("/same.png", "a", None, "", good),
        Item("/dead1.png", "a", None, "", b"", status=404),
        Item("/dead2.png", "b", None, "", b"", status=404),
        Item("/busy.png", "a", None, "", b"", status=503),
        Item("/page.png", "b", None, "", b"<!doctype html>"),
    ]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project with two classes."""
    with Project.create(tmp_path / "p", ["a", "b"]) as made:
        yield made


def fetched(project: Project, served: Served) -> None:
    """Fetch everything once."""
    for name in "ab":
        project.add(name, "\n".join(served.addresses(name)))
    project.fetch(FetchSettings(**PRIVATE))


def test_failures_are_grouped_with_reasons_and_examples(project: Project) -> None:
    """Groups worth another try come first; duplicates name the image that was there."""
    with serving(items()) as served:
        fetched(project, served)
    groups = report(project)
    assert [(group.code, group.count, group.retry) for group in groups] == [
        ("server_error", 1, "server_error"),
        ("dead", 2, "dead"),
        ("not_an_image", 1, "page_not_image"),
        ("duplicate", 1, ""),
    ]
    assert [group.retryable for group in groups] == [True, False, False, False]
    assert groups[1].examples[0].http_status == 404
    duplicate = groups[-1].examples[0]
    pair = {served.base + "/1.png", served.base + "/same.png"}
    assert {duplicate.address, duplicate.detail.removeprefix("same image as ")} == pair
    assert [group.count for group in report(project, "b") if group.code == "dead"] == [1]
    assert addresses(project, "dead") == [served.base + f"/dead{n}.png" for n in (1, 2)]
    assert addresses(project, "duplicate") == [duplicate.address]


def test_one_group_is_tried_again(project: Project) -> None:
    """Only the addresses with these reasons are asked for, and nothing that is pending."""
    with serving(items()) as served:
        fetched(project, served)
        project.add("a", served.base + "/1.png?pending")
        for retry, asked in [("server_error", 1), ("dead, page_not_image", 3), ("too_small", 0)]:
            answer = project.fetch(FetchSettings(**PRIVATE), retry=retry)
            assert (retry, answer.asked) == (retry, asked)
            assert project.status().addresses.pending == 1


def test_a_wrong_reason_is_named(project: Project) -> None:
    """A word that is no reason is refused, and the words that there are are listed."""
    with pytest.raises(InputError, match="'often' is not known") as caught:
        project.fetch(retry="dead,often")
    assert "timed_out" in caught.value.fix


def test_every_reason_belongs_to_one_group() -> None:
    """No failure can be missing from the report, and none is counted twice."""
    from curator.collect.failures import _KINDS

    reasons = [reason for kind in _KINDS.values() for reason in kind.reasons]
    assert sorted(reasons) == sorted(Reason)


def test_private_addresses_offer_the_permission(project: Project) -> None:
    """What was refused for its network says which permission another try takes."""
    with serving(items()) as served:
        project.add("a", served.base + "/1.png")
        project.fetch()
        (group,) = report(project)
        assert (group.code, group.allow) == ("refused_address", "allow_private")  # for its port
        answer = project.fetch(FetchSettings(**PRIVATE), retry=group.retry)
        assert answer.images == 1
    assert report(project) == []
