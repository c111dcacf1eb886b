"""JSON as a list: answers of search services, exports of galleries, arrays of addresses."""

from __future__ import annotations

from curator.collect.lists.found import SMALLER, Collector, ending
from curator.collect.lists.literals import Literal, literals
from curator.collect.lists.rights import UNKNOWN, rights_in_json

OTHERS = "addresses that are no pictures"
_PAGES = {".html", ".htm", ".php", ".aspx", ".jsp", ".js", ".css", ".json", ".xml"}
_LINKS = {"url", "link", "href"}


def read_json(text: str, collector: Collector) -> None:
    """Hand every nested address on that looks like an image or stands under such a key.

    Addresses outside of any object, in an array of addresses alone, are all taken. Where nothing
    says that it is an image, it is what stands under `url`, `link` or `href`.
    """
    found = [item for item in literals(text) if _is_whole(item)]
    wanted = {id(item) for item in found if not item.is_small and _is_wanted(item)}
    wanted = wanted or {id(item) for item in found if item.key in _LINKS}
    rights = rights_in_json(text)
    for item in found:
        if id(item) in wanted:
            url = "https:" + item.text if item.text.startswith("//") else item.text
            collector.take(url, item.line + 1, rights.get(item.text, UNKNOWN))
        else:
            collector.leave_out(SMALLER if item.is_small else OTHERS)


def _is_whole(item: Literal) -> bool:
    return item.is_image or not item.text.startswith("//")


def _is_wanted(item: Literal) -> bool:
    if ending(item.text) in _PAGES:
        return False
    return item.is_image or item.depth == 0 or item.text[:5].lower() == "data:"
