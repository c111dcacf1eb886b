"""Settings as users write them: checked by name, type and range before anything long begins."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from curator.errors import InputError

Kind = TypeVar("Kind")


def checked(kind: type[Kind], given: dict[str, Any]) -> Kind:
    """A dataclass of settings from names and values; None stands for the default.

    Raises InputError for a name that there is not, with the nearest one, and for a value of another
    type; the dataclass itself refuses what is out of range.
    """
    known = [item.name for item in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            raise InputError(
                f"There is no setting {name!r}." + (f" The nearest: {near[0]}." if near else ""),
                f"Settings: {', '.join(known)}.",
            )
    values = {name: value for name, value in given.items() if value is not None}
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The setting {name} cannot be {first.get('input')!r}: {first['msg']}.",
            "See `curator train --help` for what it takes.",
        ) from error
