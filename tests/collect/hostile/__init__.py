"""A web server on the loopback that behaves as badly as its paths say, and what it serves.

``table`` lists every behaviour with its expected outcome, ``answers`` how it answers over HTTP,
``files`` what it serves, ``server`` is the server itself.
"""

from tests.collect.hostile.files import BODIES, picture
from tests.collect.hostile.server import Hostile, serving

__all__ = ["BODIES", "Hostile", "picture", "serving"]
