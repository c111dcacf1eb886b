"""What narrows a queue: conditions on images, for the database to meet.

Each filter is a condition on the image's id, so it fits every queue. Text is looked for as it was
typed: ``%`` and ``_`` stand for themselves.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Select, and_, distinct, func, or_, select

from curator.check.findings import OF_IMAGES, findings
from curator.check.quality import QUALITY
from curator.errors import InputError
from curator.find import concepts, selections
from curator.store import images, schema, tags
from curator.store.classes import find_class
from curator.store.database import these

if TYPE_CHECKING:
    from curator.review.queue.scope import Scope
    from curator.store.workspace import Workspace

FILES = "files"  # what is offered in place of a host for what came from no address
MOST_HOSTS = 200
OFFERED = 200  # of a kind
ISSUES = tuple(name.removesuffix("_score") for name in QUALITY)
SPLITS = (schema.TRAIN, schema.VALID, schema.TEST)


@dataclass(frozen=True)
class Filters:
    """Which images of a queue are shown; "" stands for all."""

    label: str = ""
    """Present label, in whatever case."""
    predicted: str = ""
    """Class that the run predicts, in whatever case."""
    split: str = ""
    """"train", "valid" or "test"."""
    host: str = ""
    """Host, and port where one is written, of one of its addresses; :data:`FILES` for files."""
    tag: str = ""
    """Part, in whatever case, of one of the five names that the pretrained network gives it."""
    tag_probability: float = 0.0
    """The least probability of that name, 0..1."""
    text: str = ""
    """Part, in whatever case, of an address, a final address or a path that it came from."""
    issue: str = ""
    """One of :data:`ISSUES`."""
    finding: str = ""
    """Code of a finding of the check, of :data:`curator.check.findings.OF_IMAGES`: the very images
    that it has now."""
    like: str = ""
    """What a queue is put in order by; it leaves none out. Of similar images what they are
    compared with, as :func:`curator.find.likeness.written` writes it; of a concept its name; of a
    search by words the words."""
    concept: str = ""
    """Name of a concept, in whatever case: what shows it, by a person or most likely."""
    selection: str = ""
    """Name of a selection: the very images of :func:`curator.find.selections.keep`."""


def conditions(scope: Scope, filters: Filters) -> list[ColumnElement[bool]]:
    """Conditions for a query over ``schema.current``; none for empty ``filters``.

    Raises UnknownClass, InputError, and NoRun for a prediction where nothing was trained.
    """
    connection = scope.connection
    found: list[ColumnElement[bool]] = []
    if filters.label:
        label = find_class(connection, filters.label)
        found.append(schema.current.c.class_id == label.id)
    if filters.predicted:
        found.append(_is_predicted(scope, filters.predicted))
    if filters.split:
        if filters.split not in SPLITS:
            raise InputError(f"{filters.split!r} is no split.", f"Use one of {', '.join(SPLITS)}.")
        found.append(_in_images(schema.images.c.split == filters.split))
    if filters.host:
        found.append(_in_sources(_from_host(filters.host)))
    if filters.tag:
        named = tags.matching(connection, filters.tag, filters.tag_probability)
        found.append(schema.current.c.image_id.in_(named))
    if filters.text:
        table = schema.sources.c
        columns = (table.origin, table.final_address)
        found.append(
            _in_sources(or_(*(_holds(connection, each, filters.text) for each in columns)))
        )
    if filters.issue:
        found.append(_in_images(_has_issue(scope, filters.issue)))
    return found + _among(scope, filters)


def _among(scope: Scope, filters: Filters) -> list[ColumnElement[bool]]:
    """Conditions by ids that are computed here."""
    some = []
    if filters.finding:
        some.append(_found(scope.connection, filters.finding))
    if filters.concept:
        some.append(these(concepts.showing(scope.workspace, scope.connection, filters.concept)))
    if filters.selection:
        some.append(these(selections.read(scope.workspace, filters.selection).tolist()))
    return [schema.current.c.image_id.in_(ids) for ids in some]


def hosts(connection: Connection) -> list[tuple[str, int]]:
    """Where the live images come from: (host, images), most first, :data:`MOST_HOSTS` at most.

    :data:`FILES` is among them when some images came from no address. An image counts once for
    each of its hosts. Reads every source: for a menu, and to be kept while nothing is collected.
    """
    table = schema.sources.c
    rest = func.substr(table.origin, func.instr(table.origin, "//") + 2)
    host = func.substr(rest, 1, func.instr(rest, "/") - 1).label("host")
    number = func.count(distinct(table.image_id)).label("images")
    from_live = (
        select(number)
        .select_from(schema.sources)
        .join(schema.current, schema.current.c.image_id == table.image_id)
        .where(images.LIVE)
    )
    query = (
        from_live.add_columns(host)
        .where(table.kind == "address")
        .group_by("host")
        .order_by(number.desc(), "host")
        .limit(MOST_HOSTS)
    )
    found = [(row.host, row.images) for row in connection.execute(query)]
    files = int(connection.execute(from_live.where(table.kind != "address")).scalar_one())
    if files:
        found.append((FILES, files))
    return sorted(found, key=lambda item: -item[1])[:MOST_HOSTS]


@dataclass(frozen=True)
class Choices:
    """What filters can be set to: (value, images) or, of measures, (value, words)."""

    hosts: tuple[tuple[str, int], ...] = ()
    tags: tuple[tuple[str, int], ...] = ()
    issues: tuple[tuple[str, str], ...] = ()
    counted: tuple[object, ...] = ()
    """What was there when they were counted."""


def choices(workspace: Workspace, label: str | None, known: Choices) -> Choices:
    """What is worth choosing, :data:`OFFERED` of a kind at most; names are those of ``label``.

    It reads all images, so ``known`` is given back where nothing came since it was counted.
    """
    with workspace.database.read() as connection:
        newest = connection.execute(select(func.max(schema.images.c.id))).scalar()
        named = connection.execute(select(func.count()).select_from(schema.tags)).scalar()
        counted = (workspace.path, label, newest, named)
        if counted == known.counted:
            return known
        seen = tags.tag_counts(connection, label).head(OFFERED)
        return Choices(
            hosts=tuple(hosts(connection)[:OFFERED]),
            tags=tuple((str(row.name), int(str(row.images))) for row in seen.itertuples()),
            issues=tuple((name.removesuffix("_score"), QUALITY[name][1]) for name in QUALITY),
            counted=counted,
        )


def _found(connection: Connection, code: str) -> Select[tuple[int]]:
    if code not in OF_IMAGES:
        raise InputError(f"{code[:60]!r} is no finding of images.", f"Use {', '.join(OF_IMAGES)}.")
    return these([i for item in findings(connection) if item.code == code for i in item.images])


def _in_images(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return schema.current.c.image_id.in_(select(schema.images.c.id).where(condition))


def _in_sources(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    table = schema.sources.c
    query = select(table.image_id).where(table.image_id.is_not(None), condition)
    return schema.current.c.image_id.in_(query)


def _is_predicted(scope: Scope, name: str) -> ColumnElement[bool]:
    table = schema.predictions.c
    wanted = find_class(scope.connection, name).id
    return schema.current.c.image_id.in_(
        select(table.image_id).where(
            table.run_id == scope.run.id, scope.counted(table.predicted_id) == wanted
        )
    )


def _from_host(host: str) -> ColumnElement[bool]:
    table = schema.sources.c
    # Addresses are stored normalised, so those of a host stand together in the index of origins:
    # "0" is the character after "/".
    same = [
        and_(table.origin >= f"{scheme}://{host}/", table.origin < f"{scheme}://{host}0")
        for scheme in ("http", "https")
    ]
    at_host = and_(table.kind == "address", table.root == "", or_(*same))
    return or_(at_host, table.kind != "address") if host == FILES else at_host


def _holds(connection: Connection, column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether ``column`` holds ``text``, in whatever case, as typed or as an address writes it."""
    escaped = quote(text, safe=string.punctuation)  # addresses are ASCII: "Bär" is B%C3%A4r there
    written = column.icontains(escaped, autoescape=True)
    if text.isascii():
        plain = column.icontains(text, autoescape=True)
        return plain if escaped == text else or_(plain, written)
    # The database knows the case of ASCII letters only, and a file's name may be decomposed.
    if connection.dialect.name == "sqlite":  # a server has it already
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.create_function("curator_folded", 1, _folded, deterministic=True)
    return or_(func.instr(func.curator_folded(column), _folded(text)) > 0, written)


def _folded(text: str | None) -> str:
    return unicodedata.normalize("NFC", text or "").casefold()


def _has_issue(scope: Scope, issue: str) -> ColumnElement[bool]:
    return scope.limits.below(score_of(issue))


def score_of(issue: str) -> str:
    """The score's name in :data:`curator.check.quality.QUALITY`. Raises InputError."""
    name = issue.replace(" ", "_")
    if name not in ISSUES:
        raise InputError(f"{issue!r} is no quality measure.", f"Use one of {', '.join(ISSUES)}.")
    return f"{name}_score"
