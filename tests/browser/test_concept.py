"""A concept on the page: two clicks from five images to its queue; answered, kept, narrowed by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.review.queue.filters import Filters
from tests.browser.conftest import shared
from tests.browser.test_gallery import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from curator.project import Project
    from tests.browser.conftest import Watched


def tiles(page: Page) -> list[int]:
    """Give the images that Review shows."""
    found: list[int] = page.eval_on_selector_all(
        ".cu-review .cu-tile", "all => all.map(one => Number(one.dataset.id))"
    )
    return found


def expect_queue(page: Page, project: Project, name: str) -> list[int]:
    """Wait until the page shows the concept's queue in the library's order; its images."""
    page.wait_for_function(
        "name => location.hash.includes(`/review/concept?like=${name}`)", arg=name
    )
    order = project.queue("concept", Filters(like=name)).ids.tolist()
    page.wait_for_selector(f".cu-review .cu-tile[data-place='0'][data-id='{order[0]}']")
    settle(page)
    shown = tiles(page)
    assert shown == order[: len(shown)]
    return shown


def marked(page: Page, shows: str) -> None:
    """Wait for the foot's sentence to tell of so many answers."""
    page.wait_for_selector(f".cu-review .cu-advice:has-text('{shows}')")


def test_answers_by_mouse_and_by_keys_sharpen_the_queue(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """From a selection in the grid; the next page is sorted by all answers so far."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.evaluate("() => { location.hash = location.hash.replace(/data.*/, 'data/grid') }")
        page.wait_for_selector(".cu-grid .cu-tile img")
        for place in range(5):
            tile = page.locator(f".cu-grid .cu-tile[data-place='{place}']")
            tile.click(modifiers=["ControlOrMeta"])
        page.click(".cu-grid-foot button:has-text('concept')")
        page.keyboard.type("loops")
        page.click("button[name=seek]")
        shown = expect_queue(page, sample_copy, "loops")
        marked(page, "loops: 5 yes, 0 no.")
        assert not sample_copy.concept("loops").images

        # By the mouse: on the picture, and by the foot for what was clicked.
        page.locator(f"[data-id='{shown[1]}']").hover()
        page.click(f"[data-id='{shown[1]}'] .cu-no")
        page.wait_for_selector(f"[data-id='{shown[1]}'].cu-lacks")
        page.click(f"[data-id='{shown[2]}']")
        page.click(".cu-review .cu-foot button:has-text('shows it')")
        marked(page, "loops: 6 yes, 1 no.")
        # By keys, which mean this in this queue alone; redo has its other key.
        page.locator(f"[data-id='{shown[3]}']").focus()
        page.keyboard.press("y")
        page.keyboard.press("n")
        page.keyboard.press("n")
        page.keyboard.press("k")
        marked(page, "loops: 7 yes, 3 no.")
        page.keyboard.press("u")
        marked(page, "loops: 7 yes, 2 no.")
        page.keyboard.press("Control+y")
        marked(page, "loops: 7 yes, 3 no.")
        assert all(row == "new" for row in sample_copy.queue("all").table(5)["state"])

        page.keyboard.press("Enter")  # no to the rest; the next page is in the new order
        page.wait_for_function(
            "id => !document.querySelector(`.cu-review .cu-tile[data-id='${id}']`)", arg=shown[0]
        )
        settle(page)
        fresh = sample_copy.queue("concept", Filters(like="loops")).ids.tolist()
        later = tiles(page)
        assert later == fresh[: len(later)]
        told = sample_copy.concept("loops")
        assert (told.yes, told.no) == (7, len(shown) - 2)
        page.wait_for_selector(f".cu-review .cu-advice:has-text('{told.sentence}')")
    assert watched.errors == []


def rename_loops(page: Page, project: Project) -> None:
    """Open the concept and call it rings."""
    page.click("[data-station=review]")
    page.click("[data-concept=loops]")
    expect_queue(page, project, "loops")
    page.click("button[name=rename]")
    page.keyboard.type("rings")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-concept=rings][aria-current]")


def test_a_concept_is_renamed_narrows_and_is_removed(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """It has its place in the list, the filters of Review and grid, and addresses."""
    sample_copy.add_concept("loops", sample_copy.queue("all").ids[:5].tolist())
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        rename_loops(page, sample_copy)
        page.wait_for_function("() => location.hash.includes('like=rings')")

        page.click("[data-queue=suspicious]")
        page.wait_for_function("() => location.hash.endsWith('/review/suspicious')")
        page.click("button:text-is('Filters')")
        page.select_option("select[name=concept]", "rings")
        page.wait_for_function("() => location.hash.endsWith('/review/suspicious?concept=rings')")
        page.click("button:text-is('Clear filters')")
        page.wait_for_function("() => location.hash.endsWith('/review/suspicious')")

        # By keys alone, from Review: what is in focus, C, a name, Enter.
        page.locator(".cu-review .cu-tile").first.focus()
        for key in ("Shift+ArrowRight", "Shift+ArrowRight", "c"):
            page.keyboard.press(key)
        page.keyboard.type("corners")
        page.keyboard.press("Enter")
        expect_queue(page, sample_copy, "corners")
        marked(page, "corners: 3 yes, 0 no.")

        page.evaluate(
            "() => { location.hash = location.hash.replace(/review.*/, 'data/grid?concept=rings') }"
        )
        page.wait_for_selector(".cu-grid .cu-tile img")
        number = len(sample_copy.queue("all", Filters(concept="rings")))
        page.wait_for_selector(f".cu-grid-head .cu-total:has-text('{number} images')")
        page.select_option(".cu-grid-head select[name=concept]", "corners")
        page.wait_for_selector(".cu-grid-head .cu-total:text-is('3 images')")
        page.wait_for_function("() => location.hash.includes('data/grid?concept=corners')")

        page.go_back()
        page.go_back()
        page.wait_for_function("() => location.hash.includes('like=corners')")
        page.click("button[name=unseek]")
        page.wait_for_selector("[data-concept=corners]", state="detached")
        assert sample_copy.concept_names() == ["rings"]
    assert watched.errors == []


def test_a_new_name_and_a_removal_are_taken_back_by_keys(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """Title, list and address follow undo and redo; a concept that is back stands in the list."""
    sample_copy.add_concept("loops", sample_copy.queue("all").ids[:5].tolist())
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        rename_loops(page, sample_copy)
        for key, name in (("u", "loops"), ("Control+Shift+Z", "rings")):
            page.locator(".cu-review .cu-tile").first.focus()
            page.keyboard.press(key)
            page.wait_for_selector(f"[data-concept={name}][aria-current]")
            page.wait_for_selector(f"h1:text-is('Concept: {name}')")
            page.wait_for_function(f"() => location.hash.includes('like={name}')")
        page.click("button[name=unseek]")
        page.wait_for_selector("[data-concept=rings]", state="detached")
        page.wait_for_function("() => location.hash.endsWith('/review/suspicious')")
        page.locator(".cu-review .cu-tile").first.focus()
        page.keyboard.press("u")
        page.wait_for_selector("[data-concept=rings]")
        assert sample_copy.concept("rings").yes == 5
    assert watched.errors == []


def test_making_one_is_taken_back(
    open_page: Callable[[str], Page], sample_copy: Project, watched: Watched
) -> None:
    """Undo leaves its queue and the list; redo has it back with its examples."""
    with shared(sample_copy.path) as dashboard:
        page = open_page(dashboard.address)
        page.click("[data-station=review]")
        page.wait_for_selector(".cu-review .cu-tile")  # in sight: before, no key is Review's
        page.locator(".cu-review .cu-tile").first.focus()
        for key in ("Shift+ArrowRight", "c"):
            page.keyboard.press(key)
        page.keyboard.type("loops")
        page.keyboard.press("Enter")
        expect_queue(page, sample_copy, "loops")
        marked(page, "loops: 2 yes, 0 no.")
        page.locator(".cu-review .cu-tile").first.focus()
        page.keyboard.press("u")
        page.wait_for_selector("[data-concept=loops]", state="detached")
        page.wait_for_selector(".cu-review .cu-status:has-text('looked for loops')")
        page.wait_for_function("() => location.hash.endsWith('/review/suspicious')")
        page.locator(".cu-review .cu-tile").first.focus()
        page.keyboard.press("Control+Shift+Z")
        page.wait_for_selector("[data-concept=loops]")
        assert sample_copy.concept("loops").yes == 2
    assert watched.errors == []
