"""Projects whose features are made up, as the tests beside have them."""

from tests.find.conftest import curator, featured

__all__ = ["curator", "featured"]
