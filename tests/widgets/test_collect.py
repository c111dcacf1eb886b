"""The collect panel without a browser: previews, uploads in pieces, retries, notices."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from curator import NO_LABEL
from curator.collect.imports.job import uploads_of
from curator.project import Project
from curator.review.status import status
from curator.store import schema
from tests.pictures import encoded, picture, write_folders
from tests.running import run_job
from tests.widgets.kernel import on_loop
from widgets.collect import CollectPanel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "0123456789abcdef"
URLS = "https://example.org/1.jpg\nhttps://example.org/2.jpg\nrubbish\nhttps://example.org/1.jpg\n"


class Panel(CollectPanel):
    """A panel that remembers what it sent and submitted."""

    def __init__(self, project: Project) -> None:
        self.sent: list[dict[str, Any]] = []
        self.submitted: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.opened = project
        super().__init__(
            {
                "changed": lambda _: self.again(),
                "submit": self.submitted.append,
                "decided": lambda _: None,
                "error": lambda message: self.complaints.append(message["text"]),
            }
        )
        self.again()

    def again(self) -> None:
        """Bring it up to date."""
        self.refresh(self.opened, status(self.opened), busy=False)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Remember a message to the page."""
        super().send(content, buffers)
        self.sent.append(content)

    def tell(self, do: str, *buffers: bytes, **message: Any) -> None:
        """Send a message as the script does."""
        pieces = [memoryview(data) for data in buffers]
        on_loop(lambda: self._received(self, {"do": do, **message}, pieces))

    def upload(self, files: dict[str, bytes], piece: int = 1 << 20, last: bool = True) -> None:
        """Drop files; ``last``: to the end, else all but the last piece."""
        self.sent.clear()
        named = [{"name": name, "size": len(data)} for name, data in files.items()]
        self.tell("upload", id=KEY, files=named)
        contents = list(files.values())
        wanted = next((m["files"] for m in self.sent if m["type"] == "go"), [])
        pieces = [
            (number, offset, contents[number][offset : offset + piece])
            for number in wanted
            for offset in range(0, len(contents[number]), piece)
        ]
        for number, offset, data in pieces if last else pieces[:-1]:
            self.tell("chunk", data, id=KEY, file=number, offset=offset)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project with two classes."""
    with Project.create(tmp_path / "project", ["black", "brown"]) as made:
        yield made


@pytest.fixture
def panel(project: Project) -> Panel:
    """Show the project."""
    return Panel(project)


def test_a_paste_is_previewed_before_it_is_added(panel: Panel, project: Project) -> None:
    """Counts and refused lines are there first; adding uses the same text, which came once."""
    panel.tell("draft", text=URLS[:20], first=True, last=False)
    assert panel.state["previews"] == []
    panel.tell("draft", text=URLS[20:], first=False, last=True)
    (shown,) = panel.state["previews"]
    assert (shown["new"], shown["known"], shown["twice"], shown["refused"]) == (2, 0, 1, 1)
    assert shown["refusals"][0]["line"] == 3
    assert shown["hosts"] == [["example.org", 2]]
    assert project.status().addresses.pending == 0
    panel.tell("add", name="black", fetch=False)
    assert panel.state["previews"] == []
    assert panel.state["added"]["refusals"] == 1
    assert project.status().addresses.pending == 2
    assert panel.submitted == []
    panel.tell("draft", text=URLS, first=True, last=True)
    assert panel.state["previews"][0]["known"] == 2
    panel.tell("choose", name="brown")
    assert panel.state["previews"][0]["new"] == 2


def test_add_and_fetch_does_both(panel: Panel, project: Project) -> None:
    """One button adds what was previewed and hands the fetch to the worker."""
    panel.tell("draft", text=URLS, first=True, last=True)
    panel.tell("add", name="black", fetch=True)
    assert project.status().addresses.pending == 2
    (job,) = panel.submitted
    assert (job["kind"], job["arguments"]["retry"]) == ("fetch", "passing")


def test_dropped_images_become_an_upload_for_the_worker(panel: Panel, project: Project) -> None:
    """Pieces are acknowledged one by one; the job names the folder and the chosen class."""
    image = encoded(picture(1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("1.png", encoded(picture(2)))
    panel.tell("choose", name="brown")
    panel.upload({"1.png": image, "more.zip": buffer.getvalue()}, piece=1000)
    taken = [m for m in panel.sent if m["type"] == "took"]
    assert len(taken) == -(-len(image) // 1000) + -(-len(buffer.getvalue()) // 1000)
    assert panel.submitted == [
        {"kind": "import", "arguments": {"upload": KEY, "class_name": "brown"}}
    ]
    assert panel.state["upload"] is None
    answer = run_job(project, "import", **panel.submitted[0]["arguments"])
    assert answer.images == 2
    assert not list(uploads_of(project).iterdir())


def test_dropped_lists_are_previewed_and_added_by_name(panel: Panel, project: Project) -> None:
    """A list goes the way of a paste; nothing is left of it on the disk after it was added."""
    panel.upload({"urls.txt": URLS.encode(), "more.csv": b"url\nhttps://example.org/9.jpg\n"})
    assert [(p["name"], p["new"]) for p in panel.state["previews"]] == [
        ("more.csv", 1),
        ("urls.txt", 2),
    ]
    assert panel.submitted == []
    panel.tell("add", name="black")
    assert project.status().addresses.pending == 3
    assert not list(uploads_of(project).iterdir())
    panel.upload({"urls.txt": URLS.encode()})
    panel.tell("discard")
    assert panel.state["previews"] == []
    assert not list(uploads_of(project).iterdir())


def test_one_bad_list_does_not_keep_the_others_out(panel: Panel, project: Project) -> None:
    """The good list is added; what is wrong with the other is told."""
    panel.upload({"bad.csv": b"a,b\n1,2\n", "urls.txt": URLS.encode()})
    assert "bad.csv" in panel.state["previews"][0]["error"]
    panel.tell("add", name="black")
    assert project.status().addresses.pending == 2
    assert "bad.csv" in panel.state["errors"]["add"]


def test_a_cancelled_upload_leaves_nothing(panel: Panel, project: Project) -> None:
    """After a cancel, an error or a change of the project, no half of it stays."""
    panel.upload({"a.png": bytes(5000)}, piece=1000, last=False)
    assert (panel.state["upload"]["title"], panel.state["upload"]["total"]) == ("a.png", 5000)
    panel.tell("upload_cancel", id=KEY)
    assert panel.state["upload"] is None
    assert not list(uploads_of(project).iterdir())
    panel.upload({"a.png": bytes(5000)}, piece=1000, last=False)
    panel.tell("chunk", b"x", id=KEY, file=0, offset=1)
    assert "disorder" in panel.state["errors"]["upload"]
    panel.upload({"a.png": bytes(5000)}, piece=1000, last=False)
    panel.tell("upload_cancel", id=KEY, problem="a.png cannot be read.")
    assert panel.state["errors"]["upload"] == "a.png cannot be read."
    panel.upload({"a.png": bytes(5000)}, piece=1000, last=False)
    panel.leave()
    assert not list(uploads_of(project).iterdir())


def test_an_upload_needs_a_class_or_folders(tmp_path: Path) -> None:
    """Without a class there is a sentence that says what to do, and the sender stops."""
    with Project.create(tmp_path / "p") as project:
        panel = Panel(project)
        panel.upload({"a.png": b"x"})
        assert "no class" in panel.state["errors"]["upload"]
        assert panel.sent[-1] == {"type": "stop", "id": KEY}
        panel.tell("by_folder", value=True)
        panel.upload({"black/a.png": b"x"})
        (offer,) = panel.state["offers"]
        assert offer["preview"]["classes"] == [{"name": "black", "files": 1, "is_new": True}]
        panel.tell("take_in", key=offer["key"])
        assert panel.submitted[0]["arguments"] == {"upload": KEY, "class_name": None}


def test_a_folder_is_looked_at_before_it_is_taken_in(
    panel: Panel, project: Project, tmp_path: Path
) -> None:
    """What is there is shown; left alone nothing comes, taken in it does, and once."""
    root = write_folders(tmp_path / "in", {"train/black": 2, "valid/polar": 1})
    (root / "black.txt").write_text("https://example.org/1.jpg")
    panel.tell("import", folder=str(root))
    (offer,) = panel.state["offers"]
    shown = offer["preview"]
    assert [(item["name"], item["is_new"]) for item in shown["classes"]] == [
        ("black", False),
        ("polar", True),
    ]
    assert shown["splits"] == {"train": 2, "valid": 1}
    assert shown["lists"][0]["class_name"] == "black"
    panel.tell("add_lists", key=offer["key"])
    assert panel.state["added"]["sentence"].startswith("1 new for black")
    assert panel.state["offers"][0]["preview"]["lists"] == []
    panel.tell("leave_it", key=offer["key"])
    assert (panel.state["offers"], panel.submitted) == ([], [])
    panel.tell("import", folder=str(root))
    (offer,) = panel.state["offers"]
    panel.tell("take_in", key=offer["key"])
    panel.tell("take_in", key=offer["key"])
    (job,) = panel.submitted
    assert run_job(project, "import", **job["arguments"]).images == 3
    panel.again()
    assert panel.state["undo_import"] == 3
    project.decide([1], "keep")
    panel.tell("undo_import")
    assert "Something else was done since" in panel.complaints[0]
    panel.tell("import", folder=str(tmp_path / "nowhere"))
    assert "nowhere" in panel.state["errors"]["import"]


def test_an_upload_that_waits_is_kept_and_goes_when_it_is_not_wanted(
    panel: Panel, project: Project
) -> None:
    """Another page's look does not clear it away; leaving the project does."""
    panel.tell("by_folder", value=True)
    panel.upload({"polar/a.png": encoded(picture(1)), "urls.txt": URLS.encode()})
    panel.tell("discard")  # the list alone
    Panel(project).tell("ready")
    assert (uploads_of(project) / KEY / "polar" / "a.png").is_file()
    panel.leave()
    assert not list(uploads_of(project).iterdir())
    assert project.class_names() == ["black", "brown"]


def test_what_an_earlier_page_left_is_told_to_the_next(project: Project, panel: Panel) -> None:
    """Only a panel that a page shows looks: the kernel that stands by must not take the notice."""
    panel.upload({"bears.zip": bytes(5000)}, piece=1000, last=False)
    upload = panel._receiver._upload
    assert upload is not None
    upload._lock.release()  # as the end of the process does
    standing_by, shown = Panel(project), Panel(project)
    assert standing_by.state["notices"] == []
    assert upload.received == 4000
    shown.tell("ready")
    assert "bears.zip was cut off" in shown.state["notices"][0]
    shown.tell("dismiss")
    assert shown.state["notices"] == []
    upload.discard()


@pytest.mark.slow
def test_one_group_is_tried_again_with_its_permission(panel: Panel, project: Project) -> None:
    """The job names the group's reasons, and the permission that it takes."""
    reasons = ("timed_out", "refused_private", "refused_robots")
    with project.database.write() as connection:
        for number, reason in enumerate(reasons):
            connection.execute(
                insert(schema.sources).values(
                    kind="address",
                    origin=f"https://example.org/{number}.jpg",
                    class_id=1,
                    state=schema.FAILED,
                    reason=reason,
                )
            )
    panel.again()
    for code in reasons:
        panel.tell("again", code=code)
    assert [job["arguments"] for job in panel.submitted] == [
        {"retry": "timed_out", "settings": {"allow_private": False}},
        {"retry": "refused_private", "settings": {"allow_private": True}},
        {"retry": "refused_robots", "settings": {"allow_private": False, "respect_robots": False}},
    ]
    panel.tell("copy", code="timed_out")
    assert panel.sent[-1]["text"] == "https://example.org/0.jpg"


def test_the_newest_pictures_of_a_class_are_sent_once(panel: Panel, project: Project) -> None:
    """A page that comes gets them; then only what is new travels, and what is gone is dropped."""
    project.import_files(write_folders(project.path.parent / "in", {"brown": 8}))
    panel.again()
    newest = {item["name"]: item["newest"] for item in panel.state["classes"]}
    assert newest == {"black": [], "brown": [8, 7, 6, 5, 4, 3], NO_LABEL: []}
    panel.sent.clear()
    panel.tell("ready")
    project.decide([8], "delete")
    panel.again()
    first, then = (message for message in panel.sent if message["type"] == "pictures")
    assert (first["ids"], then["ids"], then["keep"]) == (
        [3, 4, 5, 6, 7, 8],
        [2],
        [2, 3, 4, 5, 6, 7],
    )
