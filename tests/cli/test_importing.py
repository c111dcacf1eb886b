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
