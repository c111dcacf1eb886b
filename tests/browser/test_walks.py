"""The whole job walked by mouse, keys and finger, counted: from nothing to an exported model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.project import Project
from curator.sample.digits import CLASSES
from tests.browser.conftest import running

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from curator.sample.server import Served

PATIENT = 90_000
PHONE = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 800}}

# Whether Ctrl Enter presses it: the coloured button that is nearest to the focus.
COLOURED = """goal => {
  let part = document.activeElement;
  const near = () => [...part.querySelectorAll('.cu-primary:not([disabled])')]
    .find(one => one.offsetParent);
  while (part && !near()) part = part.parentElement;
  return part !== null && near() === goal;
}"""
# Which way from the focus, or from the field it was in when that was emptied, which is another now.
WAY = """(goal, last) => {
  const lost = document.activeElement === document.body;
  const here = (lost && last && document.querySelector(last)) || document.activeElement;
  const lies = here.compareDocumentPosition(goal);
  if (here === goal && !lost) return null;
  const below = lies & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY);
  return below ? 'Tab' : 'Shift+Tab';
}"""


class Hand:
    """Goes through the page by mouse, and counts what it does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.acts = 0  # clicks, taps, or keys pressed; not what is typed into a field
        self.pastes = 0

    def click(self, selector: str) -> None:
        """Do what a click on what can be seen does."""
        self.page.wait_for_selector(f"{selector}:not([disabled])")
        self.act(selector)

    def act(self, selector: str) -> None:
        """Click on it."""
        self.page.click(selector)
        self.acts += 1

    def paste(self, field: str, text: str) -> None:
        """Put addresses into a field, which what was clicked must have focused."""
        self.page.wait_for_selector(f"{field}:focus")
        self.page.keyboard.insert_text(text)
        self.pastes += 1


class Finger(Hand):
    """Taps; a field is tapped before something is pasted, as no keyboard comes up unasked."""

    def act(self, selector: str) -> None:
        """Tap on it."""
        self.page.tap(selector)
        self.acts += 1

    def paste(self, field: str, text: str) -> None:
        """Tap into the field first."""
        self.click(field)
        super().paste(field, text)


class Keys(Hand):
    """Has no pointer: knows the keys of the page, and goes to the rest by Tab."""

    last = ""  # the field that was typed into

    def press(self, *keys: str) -> None:
        """Press keys one after the other; some at once count once."""
        for key in keys:
            self.page.keyboard.press(key)
        self.acts += len(keys)

    def act(self, selector: str) -> None:
        """Press the key that does it, or go there and press Enter unless it is a field."""
        one = self.page.locator(selector).first
        station = one.locator(".cu-number")
        if station.count():
            self.press("g", station.inner_text())
        elif one.locator("kbd").count():
            self.press("Enter")
        elif one.evaluate(COLOURED):
            self.press("Control+Enter")
        else:
            self.reach(selector)
            if "textarea" not in selector:
                self.press("Enter")

    def reach(self, selector: str) -> None:
        """Go there by Tab, or back by Shift+Tab."""
        goal = self.page.locator(selector).first
        for _ in range(100):
            way = goal.evaluate(WAY, self.last)
            if not way:
                return
            self.press(way)
        raise AssertionError(selector)

    def paste(self, field: str, text: str) -> None:
        """Go to the field first."""
        self.reach(field)
        super().paste(field, text)
        self.last = field


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("window", "hands", "acts"),
    [
        pytest.param(DESK, Hand, 12, id="mouse"),
        pytest.param(DESK, Keys, 50, id="keys"),
        pytest.param(PHONE, Finger, 15, id="finger"),
    ],
)
def test_from_nothing_to_a_model(
    tmp_path: Path,
    browser: Browser,
    served: Served,
    window: dict[str, object],
    hands: type[Hand],
    acts: int,
) -> None:
    """Three classes pasted, fetched, trained on, a page of them reviewed, and the model written."""
    lists = ["\n".join(served.addresses(name)) for name in CLASSES[:3]]
    with running(tmp_path) as dashboard:
        context = browser.new_context(**window)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(PATIENT)
        hand = hands(page)
        page.goto(dashboard.address)
        page.wait_for_selector(".cu-start")
        hand.paste("textarea[name=addresses]", lists[0])
        hand.click("textarea[name=classes]")
        page.keyboard.type(", ".join(CLASSES[:3]))
        hand.click("button:text-is('Make the project')")
        page.wait_for_selector("[data-station=collect][aria-current=page]")
        # Not counted: these pictures lie on this machine.
        page.eval_on_selector("input[name=private]", "box => box.click()")
        for name, addresses in zip(CLASSES[1:3], lists[1:], strict=True):
            hand.click(f".cu-tab:has(.cu-name:text-is('{name}'))")
            page.wait_for_selector(f".cu-tab[aria-pressed=true] .cu-name:text-is('{name}')")
            hand.paste("textarea[name=text]", addresses)
            page.wait_for_selector(".cu-preview.cu-has")  # adding is what the page suggests then
            hand.click("button:text-is('Add and fetch')")
            page.wait_for_selector(f"text=new for {name}")
        page.wait_for_selector(".cu-jobbar:has-text('new images from')")
        hand.click("[data-station=train]")
        hand.click("button:text-is('Train')")
        page.wait_for_selector("[data-part=verdict]")
        hand.click("button:text-is('Review the most suspicious images')")
        page.wait_for_selector(".cu-tile img")
        hand.click("button:has-text('Keep these')")
        page.wait_for_function(
            "() => !document.querySelector('.cu-counts').textContent.includes(' 0 decisions')"
        )
        hand.click("[data-station=use]")
        page.wait_for_selector("[data-part=plan]:has-text('images in')")  # all that Tab finds
        hand.click("button:text-is('Write the model')")
        page.wait_for_selector("text=its answers agree")
        context.close()
        (project,) = (path.parent for path in dashboard.home.glob("*/project.db"))
        with Project.open(project) as made:
            decided = made.log()
            assert set(decided["action"]) == {"keep"}
            assert len(decided) > 8
        assert (dashboard.home / f"{project.name}-model/model.onnx").exists()
    assert (hand.acts, hand.pastes) == (acts, 3)
