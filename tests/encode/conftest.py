"""Real weights for the tests of this folder."""

from tests.real_weights import _own_cache, bears, digits, encoder  # noqa: F401
