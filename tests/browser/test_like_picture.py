"""Find, by words or like a picture: what opens is found again by its address after a reload."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from curator.encode.backbones import words_network
from curator.encode.project_features import feature_cache
from curator.find import words
from curator.store import images
from tests.browser.conftest import shared
from tests.browser.test_whole_job import go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched

DROP = """([selector, content]) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
  const at = document.querySelector(selector);
  for (const type of ["dragover", "drop"])
    at.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def expect_queue(page: Page, first: int) -> None:
    """Wait until the images most like the picture are shown, with it above them."""
    page.wait_for_function("() => /review.similar.like=[0-9a-f]{64}/.test(location.hash)")
    page.wait_for_selector(f".cu-review .cu-tile[data-place='0'][data-id='{first}']")
    page.wait_for_selector(".cu-asked img")


def test_like_a_picture(
    open_page: Callable[[str], Page], sample_copy: Project, tmp_path: Path, watched: Watched
) -> None:
    """What is no picture is named; a file and a drop open the same queue, which has an address."""
    file = next(path for path in sample_copy.originals.rglob("*") if path.is_file())
    given = tmp_path / "given.png"
    with Image.open(file) as original:
        original.convert("RGB").rotate(4).save(given)
    first = int(sample_copy.similar((), given).ids[0])
    (tmp_path / "page.png").write_text("<html>no picture</html>")
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "data")
        page.click(".cu-home-head .cu-like-picture")
        page.set_input_files(".cu-like input[name=picture]", tmp_path / "page.png")
        page.wait_for_selector(".cu-like .cu-error:has-text('cannot be used')")
        page.fill(".cu-like input[name=address]", "http://127.0.0.1/a.png")
        page.keyboard.press("Enter")
        page.wait_for_selector(".cu-like .cu-error:has-text('not on the public internet')")
        page.set_input_files(".cu-like input[name=picture]", given)
        expect_queue(page, first)
        assert page.locator(".cu-like[open]").count() == 0

        page.click("[data-queue=outliers]")
        page.wait_for_function("() => location.hash.endsWith('/review/outliers')")
        page.click(".cu-queues button:text-is('Find…')")
        page.wait_for_selector(".cu-like[open]")
        page.keyboard.press("d")  # of the dialog: nothing is decided
        content = base64.b64encode(given.read_bytes()).decode()
        page.evaluate(DROP, [".cu-like .cu-picture-drop", content])
        expect_queue(page, first)
        page.reload()
        expect_queue(page, first)
        page.go_back()
        page.wait_for_function("() => location.hash.endsWith('/review/outliers')")
    assert len(sample_copy.queue("recent")) == 0
    assert watched.errors == []
    assert watched.foreign == []


def test_by_words(open_page: Callable[[str], Page], sample_copy: Project, watched: Watched) -> None:
    """What it takes is told; known words open their queue at once, whose address works again."""
    with sample_copy.database.read() as connection:
        table = images.live(connection)
    network = words_network()
    random = np.random.default_rng(0).standard_normal((len(table) + 1, network.dimension))
    rows = random.astype(np.float32)
    feature_cache(sample_copy, network).append(table["sha256"].tolist(), rows[:-1])
    words.words_cache(sample_copy).append([words.digest_of("a crooked seven")], rows[-1:])
    first = int(sample_copy.find("a crooked seven").ids[0])
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        go(page, "data")
        page.click(".cu-home-head .cu-like-picture")
        page.wait_for_selector(".cu-like-takes:has-text('licence MIT')")
        page.fill(".cu-like input[name=words]", " a  crooked seven")
        page.keyboard.press("Enter")
        for _ in range(2):
            page.wait_for_selector(f".cu-review .cu-tile[data-place='0'][data-id='{first}']")
            page.wait_for_selector("h1:text-is('In words: a crooked seven')")
            page.wait_for_function("() => location.hash.includes('/review/words?like=a')")
            page.reload()
    assert watched.errors == []
    assert watched.foreign == []
