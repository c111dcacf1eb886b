"""Settings as users write them: frozen, and checked by name, type and range before work begins.

Every class of settings is a :class:`Settings`: its fields say default, range and, in their
description, the unit.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from curator.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_BOUNDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "at most"}


class Settings(BaseModel):
    """Base of all. Raises InputError for a name that there is not, and for a value that cannot be.

    A number is a finite one; neither a text nor True stands for a number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Settings from names and values; None stands for the default. Raises InputError."""
        return cls.model_validate(
            {name: value for name, value in given.items() if value is not None}
        )

    def given(self) -> dict[str, object]:
        """What was set, as JSON has it: :meth:`of` makes the same settings of it."""
        return self.model_dump(mode="json", exclude_unset=True)

    def but(self, **changes: object) -> Self:
        """Make a copy with some values changed. Raises InputError."""
        return self.model_validate(self.model_dump() | changes)

    @model_validator(mode="wrap")
    @classmethod
    def _refuse(cls, values: object, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            raise cls._refusal(error.errors()[0]) from error

    @classmethod
    def _refusal(cls, wrong: ErrorDetails) -> InputError:
        name = ".".join(map(str, wrong["loc"]))
        if wrong["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, cls.model_fields, n=1, cutoff=0.5)
            return InputError(
                f"There is no setting {name!r}." + (f" The nearest: {near[0]}." if near else ""),
                f"Settings: {', '.join(cls.model_fields)}.",
            )
        return InputError(
            f"The setting {name} cannot be {wrong['input']!r}: {wrong['msg']}.",
            cls._explained(str(wrong["loc"][0])) if wrong["loc"] else "",
        )

    @classmethod
    def _explained(cls, name: str) -> str:
        """What a setting is and which values it takes, as a sentence."""
        field = cls.model_fields[name]
        bounds = [
            f"{word} {bound:g}"
            for item in field.metadata
            for kind, word in _BOUNDS.items()
            if (bound := getattr(item, kind, math.inf)) != math.inf
        ]
        use = f" Use a value {' and '.join(bounds)}." if bounds else ""
        return f"{name}: {field.description}.{use}"
