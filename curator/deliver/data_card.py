"""The data set card: counts, sources, how it was cleaned, and what is not known.

Names of classes, hosts and licences are the work of strangers: they are written so that Markdown
makes nothing of them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from curator.deliver.rights import licence_of_all, licences
from curator.phrasing import many
from curator.store import schema
from curator.store.vocabulary import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from curator.deliver.dataset import DataSet
    from curator.deliver.facts import Facts
    from curator.deliver.formats import Format

_MOST = 20  # rows of a table of hosts or licences
_DECIDED = {
    "": "nobody decided",
    schema.KEPT: "label confirmed",
    "relabelled": "label changed",
    schema.UNSURE: "unsure",
}
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@$:-])")
_HF_SPLITS = """configs:
- config_name: default
  data_files:
  - split: train
    path: train/**
  - split: validation
    path: valid/**
"""
_HF_TEST = """  - split: test
    path: test/**
"""


_CONCEPTS = """
`concepts.csv` has a row for each image and a column for each thing that was looked for by name:
`yes` and `no` where a person said so, `likely` where what a person saw suggests it, else empty.
"""


def card(data: DataSet, formats: Sequence[Format]) -> str:
    """Markdown with Hugging Face's front matter."""
    names = [item.name for item in formats]
    of_all = licence_of_all(data.images)
    front = "license: other\n" if of_all else "license: unknown\n"
    front += "task_categories:\n- image-classification\n"
    if "hf" in names and {schema.TRAIN, schema.VALID} <= set(data.images["split"]):
        front += _HF_SPLITS + (_HF_TEST if schema.TEST in data.splits else "")
    version = ""
    if data.version is not None:
        version = f" Version {data.version.name}, tagged on {data.version.at[:10]}."
    return f"""---
{front}---

# {escaped(data.workspace.name)}

{many(len(data.images), "image")} of {many(len(data.classes), "class", "classes")}.{version}

## Images

{_table(("class", *data.splits), _sizes(data))}

The split was drawn once, by groups of near-duplicates, and stays when images are deleted or
relabelled.

## Sources

{_table(("host", "images"), _capped(_hosts(data)))}

## How it was cleaned

{_table(("decision by a person", "images"), _decisions(data))}

{_estimate(data.facts)}

Left out: {_left_out(data.facts)}. {_sources(data.facts.gave_none)} gave no image.

Copies: {_sources(data.facts.repeated)} gave a picture that was there already, and count once. Of
the images, {data.facts.near_duplicates} have a near-duplicate among the others; such images lie
on the same side of the split.

## Licence

{_licence(data)}

## Known limits

- Pictures come from searches and folders that somebody chose: what they show, and how, is not what
  the world holds.
- Images of the two splits come from the same sources: expect more errors on pictures from
  elsewhere.
- A label that nobody looked at is the one under which its picture was listed.

## Files

`manifest.csv` has a row for each image: its place in the folders, source, SHA-256, label, split and
decision. Texts that a spreadsheet might run as a formula begin with `'`.
{_CONCEPTS if data.concepts else ""}
{_forms(formats)}
"""


def escaped(text: str) -> str:
    """A text in one line of Markdown, with nothing that means something there."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], raw: bool = False) -> str:
    lines = [head, ["---"] * len(head)]
    lines += [[str(cell) if raw else escaped(str(cell)) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _forms(formats: Sequence[Format]) -> str:
    rows = [(item.name, item.holds, f"`{item.use}`") for item in formats]
    return _table(("form", "files", "in Python"), rows, raw=True)


def _sources(number: int) -> str:
    return many(number, "address or file", "addresses and files")


def _capped(rows: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    rest = rows[_MOST:]
    more = [(f"{len(rest)} more", sum(number for _, number in rest))] if rest else []
    return [*rows[:_MOST], *more]


def _sizes(data: DataSet) -> list[tuple[str | int, ...]]:
    number = Counter(zip(data.images["label"], data.images["split"], strict=True))
    return [(label, *(number[label, split] for split in data.splits)) for label in data.classes]


def _hosts(data: DataSet) -> list[tuple[str, int]]:
    found = Counter(host_of(source) for source in data.images["source"])
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def host_of(source: str) -> str:
    """The host of an address; of a file, that it was imported."""
    match = re.match(r"https?://(?:[^/?#]*@)?([^/?#:]+)", source)
    return match[1].lower() if match else "imported files"


def _decisions(data: DataSet) -> list[tuple[str, int]]:
    number = Counter(data.images["decision"])
    return [(words, number[kind]) for kind, words in _DECIDED.items() if number[kind]]


def _left_out(facts: Facts) -> str:
    parts = [
        f"{number} {STATES[state]}"
        for state, number in sorted(facts.left_out.items())
        if state in schema.LEFT_OUT
    ]
    return ", ".join(parts) or "nothing"


def _estimate(facts: Facts) -> str:
    left = facts.wrong_left
    if left is None:
        return "How many wrong labels are left is not known: too few images were reviewed to tell."
    return (
        f"About {left.wrong:.0f} wrong labels (95 % interval {left.low} to {left.high}) "
        f"are left among the {left.images} images that nobody decided on, estimated by "
        f"{escaped(left.basis)}."
    )


def _licence(data: DataSet) -> str:
    every = licences(data.images)
    unknown = sum(number for name, number in every if not name)
    if unknown == len(data.images):
        return (
            "Not known: no list named a licence for any of the images. They belong to their "
            "owners; ask before you publish or sell what is made of them."
        )
    named = [(name or "not known", number) for name, number in every]
    creators = int((data.images["creator"] != "").sum())
    rest = f"Of {many(unknown, 'image')} the licence is not known. " if unknown else ""
    return (
        f"As the lists of addresses named it; nobody checked that it is true. {rest}"
        f"The creator is named of {many(creators, 'image')}; see `manifest.csv`.\n\n"
        + _table(("licence", "images"), _capped(named))
    )
