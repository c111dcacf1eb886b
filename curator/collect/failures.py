"""What gave no new image, in groups as people think of them, and which are worth another try.

Reads the store alone. A group may hold several reason codes: that a host is unknown and that it
does not answer are one thing to whoever looks for pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, select

from curator.imaging.reasons import Reason
from curator.store import schema
from curator.store.class_names import NO_LABEL
from curator.store.classes import all_classes, counted_as, find_class, merged_ids, no_label_id
from curator.store.images import first_sources

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

EXAMPLES = 5
DUPLICATE = "duplicate"


@dataclass(frozen=True)
class _Kind:
    """A group: its title, the codes in it, the next step, and what trying again would take."""

    title: str
    reasons: tuple[Reason, ...]
    next_step: str
    explanation: str = ""  # of the first reason if empty
    allow: str = ""  # the setting of a fetch without which trying again is useless


_LEAVE = "Nothing to do: without these the data set is as good."
_LATER = "Try again in a while."
_KINDS = {
    "rate_limited": _Kind("too many requests", (Reason.RATE_LIMITED,), _LATER),
    "timed_out": _Kind("timed out", (Reason.TIMED_OUT, Reason.HOST_GIVEN_UP), _LATER),
    "unreachable": _Kind(
        "hosts not reached",
        (Reason.UNREACHABLE, Reason.UNKNOWN_HOST, Reason.TLS, Reason.REDIRECTS),
        "Check your connection and the host's name, then try again.",
        "No safe connection to the host could be made, or it only sends you on.",
    ),
    "server_error": _Kind(
        "server errors",
        (Reason.SERVER_ERROR, Reason.BAD_ANSWER, Reason.INCOMPLETE, Reason.EMPTY),
        _LATER,
        "The server had an error of its own, or its answer was not whole.",
    ),
    "stopped": _Kind("stopped", (Reason.CANCELLED,), "Try again to go on with them."),
    "dead": _Kind("dead links", (Reason.DEAD,), _LEAVE),
    "forbidden": _Kind(
        "forbidden",
        (Reason.FORBIDDEN, Reason.HTTP_ERROR),
        "Save these pages' images in your browser and drop the files here.",
        "The server does not hand these files out, or not in this way.",
    ),
    "not_an_image": _Kind(
        "not an image",
        (Reason.NOT_AN_IMAGE, Reason.PAGE_NOT_IMAGE, Reason.UNSUPPORTED_FORMAT),
        "Open one in your browser: it may be the address of a page about the picture.",
        "Something came that is no image in a format read here; often a web page.",
    ),
    "broken": _Kind("broken images", (Reason.BROKEN,), _LEAVE),
    "too_small": _Kind("too small", (Reason.TOO_SMALL,), _LEAVE),
    "too_big": _Kind("too big", (Reason.TOO_BIG,), _LEAVE),
    "refused_robots": _Kind(
        "not wanted in data sets",
        (Reason.REFUSED_ROBOTS,),
        "Leave them, or fetch them anyway where you have the right to.",
        allow="ignore_robots",
    ),
    "refused_private": _Kind(
        "in a private network",
        (Reason.REFUSED_PRIVATE,),
        "Allow it if you know these hosts.",
        allow="allow_private",
    ),
    "refused_address": _Kind(
        "unusual form or port",
        (Reason.REFUSED_ADDRESS,),
        "Allow it if you know these hosts; mend addresses that are wrong and add them again.",
        "The address has a form that is not fetched, or a port other than 80 and 443.",
        allow="allow_private",
    ),
    "unreadable": _Kind("unreadable files", (Reason.UNREADABLE,), "Import these files again."),
}
_SAME = "The address led to an image that was there already; each content counts once."


@dataclass(frozen=True)
class Example:
    """One address or file of a group. ``seconds``: of the last fetch, all attempts together."""

    address: str
    detail: str
    http_status: int | None = None
    attempts: int = 0
    seconds: float | None = None


@dataclass(frozen=True)
class Group:
    """Sources that ended alike.

    ``code``: name of the group; ``retry``: the reason codes to try again, for ``fetch --retry``,
    empty where that cannot help; ``retryable``: whether it may help with nothing changed here;
    ``allow``: the permission that trying again takes ("allow_private", "ignore_robots") or "".
    """

    code: str
    title: str
    count: int
    explanation: str
    retryable: bool
    retry: str
    allow: str
    next_step: str
    examples: tuple[Example, ...]

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values."""
        return asdict(self)


def report(workspace: Workspace, label: str | None = None) -> list[Group]:
    """The groups that are not empty: first those worth another try, then by number.

    ``label``: of this class alone. Raises UnknownClass.
    """
    table = schema.sources
    with workspace.database.read() as connection:
        wanted = _of_class(connection, label)
        rows = connection.execute(
            select(table.c.reason, table.c.kind, func.count().label("number"))
            .where(table.c.state == schema.FAILED, wanted)
            .group_by(table.c.reason, table.c.kind)
        ).all()
        found = []
        for code, kind in _KINDS.items():
            codes = [reason.value for reason in kind.reasons]
            mine = [row for row in rows if row.reason in codes]
            if not mine:
                continue
            asked = sorted({row.reason for row in mine if row.kind == "address"}, key=codes.index)
            found.append(
                Group(
                    code=code,
                    title=kind.title,
                    count=sum(row.number for row in mine),
                    explanation=kind.explanation or kind.reasons[0].explanation,
                    retryable=any(Reason(name).retryable for name in asked),
                    retry=",".join(asked),
                    allow=kind.allow,
                    next_step=kind.next_step,
                    examples=_examples(connection, codes, wanted),
                )
            )
        found.sort(key=lambda group: (not group.retryable, -group.count))
        return [*found, *_duplicates(connection, wanted)]


@dataclass(frozen=True)
class ClassSources:
    """How many sources of a class are still to be fetched, and how many failed."""

    id: int
    name: str
    pending: int
    failed: int


def by_class(workspace: Workspace) -> list[ClassSources]:
    """The classes in the model's order, and last :data:`NO_LABEL`, with what is missing."""
    table = schema.sources.c
    query = select(table.class_id, table.state, func.count()).group_by(table.class_id, table.state)
    with workspace.database.read() as connection:
        known = [(item.id, item.name) for item in all_classes(connection)]
        known.append((no_label_id(connection) or 0, NO_LABEL))
        rows = connection.execute(query).all()
    number = {(class_id, state): count for class_id, state, count in rows}
    return [
        ClassSources(
            key,
            name,
            number.get((key, schema.PENDING), 0),
            number.get((key, schema.FAILED), 0),
        )
        for key, name in known
    ]


def addresses(workspace: Workspace, code: str, most: int = 100_000) -> list[str]:
    """The addresses and file names of a group, in the order they were listed, at most ``most``."""
    table = schema.sources
    with workspace.database.read() as connection:
        if code == DUPLICATE:
            query = _later_ones(connection).with_only_columns(table.c.origin)
        else:
            codes = [reason.value for reason in _KINDS[code].reasons]
            query = select(table.c.origin).where(
                table.c.state == schema.FAILED, table.c.reason.in_(codes)
            )
        return list(connection.execute(query.order_by(table.c.id).limit(most)).scalars())


def _of_class(connection: Connection, label: str | None) -> ColumnElement[bool]:
    table = schema.sources
    if label is None:
        return table.c.id.is_not(None)
    counted = counted_as(table.c.class_id, merged_ids(connection))
    return counted == find_class(connection, label).id


def _examples(
    connection: Connection, codes: Iterable[str], wanted: ColumnElement[bool]
) -> tuple[Example, ...]:
    table = schema.sources
    rows = connection.execute(
        select(
            table.c.origin,
            table.c.detail,
            table.c.http_status,
            table.c.attempts,
            table.c.seconds,
        )
        .where(table.c.state == schema.FAILED, table.c.reason.in_(codes), wanted)
        .order_by(table.c.id)
        .limit(EXAMPLES)
    )
    return tuple(
        Example(row.origin, row.detail or "", row.http_status, row.attempts, row.seconds)
        for row in rows
    )


def _later_ones(connection: Connection) -> Any:
    """Sources that led to an image that an earlier one had brought, with that one."""
    table = schema.sources
    first = first_sources().subquery()
    earlier = table.alias("earlier")
    merged = merged_ids(connection)
    own, other = (counted_as(t.c.class_id, merged) for t in (table, earlier))
    return (
        select(
            table.c.origin,
            table.c.http_status,
            table.c.attempts,
            table.c.seconds,
            earlier.c.origin.label("same_as"),
            (other != own).label("other_class"),
        )
        .join(first, first.c.image_id == table.c.image_id)
        .join(earlier, earlier.c.id == first.c.source_id)
        .where(table.c.id != first.c.source_id)
    )


def _duplicates(connection: Connection, wanted: ColumnElement[bool]) -> list[Group]:
    query = _later_ones(connection).where(wanted)
    number = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    if not number:
        return []
    rows = connection.execute(query.order_by(schema.sources.c.id).limit(EXAMPLES)).all()
    examples = tuple(
        Example(
            row.origin,
            f"same image as {row.same_as}" + (", of another class" if row.other_class else ""),
            row.http_status,
            row.attempts,
            row.seconds,
        )
        for row in rows
    )
    return [
        Group(
            code=DUPLICATE,
            title="the same image as another",
            count=number,
            explanation=_SAME,
            retryable=False,
            retry="",
            allow="",
            next_step="Nothing to do. Check shows images that are listed in two classes.",
            examples=examples,
        )
    ]
