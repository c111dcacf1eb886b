"""`curator import` with archives and classes, and `curator fetch` with reports and groups."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from tests.pictures import encoded, picture, write_folders, write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from curator.sample.server import Served
    from tests.cli.conftest import Curator


def test_several_things_go_to_one_class(curator: Curator, tmp_path: Path) -> None:
    """Folder, archive and file together; what the archive hides is refused by name."""
    home = tmp_path / "p"
    curator("new", home)
    folder = write_folders(tmp_path / "in", {"x": 2})
    single = write_picture(tmp_path / "one.png", 40)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("cat/1.png", encoded(picture(50)))
        archive.writestr("../evil.png", encoded(picture(51)))
    things = [folder, tmp_path / "x.zip", single]
    refused = curator("import", home, *things, "--class", "bear")
    assert (refused.status, refused.out) == (2, "")
    assert "no class 'bear'" in refused.err
    answer = curator("import", home, *things, "--class", "bear", "--new-class")
    assert answer.status == 0
    assert "4 new images of 4 files, 1 refused" in answer.out
    assert "refused: x.zip: ../evil.png: Its name leads out of the archive." in answer.out
    again = curator("import", home, *things, "--class", "bear", "--json").json
    assert (again["images"], again["refused"]) == (0, 1)
    assert "Name it with --class" in curator("import", home, folder, "--new-class").err
    assert curator("import", home, tmp_path / "x.zip").status == 0
    assert curator("status", home, "--json").json["classes"] == {"bear": 4, "cat": 0}


def test_a_dry_run_takes_nothing_in(curator: Curator, tmp_path: Path) -> None:
    """It prints the table or JSON; without a terminal a warning stops no script."""
    home = tmp_path / "p"
    curator("new", home, "--class", "bear")
    folder = write_folders(tmp_path / "in", {"bear": 2, "fox": 1})
    (folder / "urls_bear.txt").write_text("https://example.org/1.jpg\n", encoding="utf-8")
    said = curator("import", home, folder, "--dry-run")
    assert said.status == 0
    assert f"list of addresses, of bear: {folder / 'urls_bear.txt'}" in said.out
    assert "! This makes 1 class that the project does not have: fox." in said.out
    assert "3 files in 2 classes" in said.out
    shown = curator("import", home, folder, "--dry-run", "--json").json
    assert [item["files"] for item in shown["classes"]] == [2, 1]
    assert curator("status", home, "--json").json["images"] == 0
    taken = curator("import", home, folder)
    assert (taken.status, "Warning: This makes 1 class" in taken.err) == (0, True)
    assert curator("status", home, "--json").json["images"] == 3
    assert "Warning" not in curator("import", home, folder, "--yes").err


def test_a_report_fetches_nothing(curator: Curator, served: Served, tmp_path: Path) -> None:
    """Groups, examples and the command that tries one group again, for people and machines."""
    home = tmp_path / "p"
    curator("new", home, "--class", "a")
    (tmp_path / "list.txt").write_text("\n".join(served.addresses("a")))
    curator("add", home, "--class", "a", tmp_path / "list.txt")
    assert curator("fetch", home, "--report").out == "Nothing has failed.\n"
    assert curator("status", home, "--json").json["addresses"]["pending"] == 6
    fetched = curator("fetch", home, "--allow-private")
    assert "curator fetch PROJECT --report" in fetched.out
    said = curator("fetch", home, "--report").out
    assert "1 dead links: The server says" in said
    assert "status 404" in said
    assert "--retry dead" in said
    (group,) = curator("fetch", home, "--report", "--json").json
    assert (group["code"], group["count"], group["retry"]) == ("dead", 1, "dead")
    answer = curator("fetch", home, "--retry", "dead", "--allow-private", "--json").json
    assert (answer["asked"], answer["failed"]) == (1, {"dead": 1})
