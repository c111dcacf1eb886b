"""Croissant 1.1: the data set described in JSON-LD, for search engines and loaders.

Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. The records are
those of manifest.csv, where what a list said of licence and creator is a field, and the pictures by
the same file names. Nothing is claimed of the whole that is known of a part only: it has a licence
where every image names the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from curator.deliver.dataset import MANIFEST_COLUMNS, Part
from curator.deliver.rights import licence_of_all
from curator.hashing import sha256

if TYPE_CHECKING:
    from pathlib import Path

    from curator.deliver.dataset import DataSet
    from curator.jobs.progress import Progress

FILE = "croissant.json"
_SAYS = {
    "file_name": "Path of the picture below this folder",
    "source": "Address that was listed, or name of the file that was imported",
    "final_address": "Address that answered, after redirects",
    "sha256": "SHA-256 of the picture",
    "label": "Class",
    "split": "train, valid or test; near-duplicates share one, unless they came apart",
    "decision": "What a person decided: kept, relabelled, unsure, or empty: nobody did",
    "given_label": "Class under which the picture was listed",
    "license": "Licence as the list named it; empty: unknown",
    "creator": "Creator as the list named them; empty: unknown",
    "source_page": "Page of the picture as the list named it",
}
_FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PPM": "image/x-portable-pixmap"}


def write(folder: Path, data: DataSet, progress: Progress) -> None:
    """Write croissant.json."""
    progress.check()
    (folder / FILE).write_bytes(_text(data))


def parts(data: DataSet) -> list[Part]:
    """See :class:`curator.deliver.formats.Format`."""
    return [Part(FILE, "columns, splits, licence", 1, len(_text(data)))]


def _text(data: DataSet) -> bytes:
    return (json.dumps(document(data), indent=2, ensure_ascii=False) + "\n").encode()


def document(data: DataSet) -> dict[str, Any]:
    """The description as JSON-LD."""
    number = len(data.images)
    description = f"{number} images of {len(data.classes)} classes, cleaned and split. README.md"
    kinds = sorted(set(data.images["format"]))
    described: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": data.workspace.name,
        "description": f"{description} tells how, and what is not known of licences.",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "manifest",
                "name": "manifest.csv",
                "description": "One row an image",
                "contentUrl": "manifest.csv",
                "encodingFormat": "text/csv",
                "sha256": sha256(data.manifest),
            },
            {
                "@type": "cr:FileSet",
                "@id": "pictures",
                "name": "pictures",
                "description": "The originals, byte for byte",
                "encodingFormat": [
                    _FORMATS.get(kind, f"image/{kind.lower()}") for kind in kinds if kind != "MPO"
                ],
                "includes": ["train/*/*", "valid/*/*"],
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "images",
                "name": "images",
                "key": {"@id": "images/file_name"},
                "field": [_field(column) for column in MANIFEST_COLUMNS],
            },
            {
                "@type": "cr:RecordSet",
                "@id": "files",
                "name": "files",
                "key": {"@id": "files/file_name"},
                "field": [
                    _of_file("file_name", "sc:Text", "fullpath", _SAYS["file_name"]),
                    _of_file("picture", "sc:ImageObject", "content", "The picture itself"),
                ],
            },
        ],
    }
    if data.version is not None:
        described |= {"version": data.version.name, "datePublished": data.version.at[:10]}
    if licence := licence_of_all(data.images):
        described["license"] = licence
    return described


def _field(column: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"images/{column}",
        "name": column,
        "description": _SAYS[column],
        "dataType": ["sc:Text", "cr:Split"] if column == "split" else "sc:Text",
        "source": {"fileObject": {"@id": "manifest"}, "extract": {"column": column}},
    }


def _of_file(name: str, kind: str, part: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"files/{name}",
        "name": name,
        "description": description,
        "dataType": kind,
        "source": {"fileSet": {"@id": "pictures"}, "extract": {"fileProperty": part}},
    }


_TERMS = (
    "arrayShape citeAs column conformsTo containedIn equivalentProperty extract field fileProperty"
    " fileObject fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path"
    " recordSet references regex repeated replace samplingRate separator source subField transform"
)
# The specification's own context, word by word.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
    "conformsTo": "dct:conformsTo",
}
