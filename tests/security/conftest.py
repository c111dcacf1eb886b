"""The browser and the dashboard of the browser tests, for attacks on them."""

from tests.browser.conftest import browser, end_shared, items, open_page, served, watched

__all__ = ["browser", "end_shared", "items", "open_page", "served", "watched"]
