"""What answers have in common: fields for programs, and all of them as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Record:
    """A frozen dataclass that can be written as JSON."""

    def to_dict(self) -> dict[str, object]:
        """All fields by name, nested ones too, as plain values."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
