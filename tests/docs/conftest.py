"""Chromium, as one process of tests can hold it only once."""

from tests.browser.conftest import browser, end_shared

__all__ = ["browser", "end_shared"]
