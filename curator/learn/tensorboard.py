"""A run as a TensorBoard log: its history as curves, settings and figures as hyper-parameters.

An option, for those who compare runs there: the run itself is kept in the project, and this is
written from it. Needs the package `tensorboard` (Apache-2.0); TensorFlow is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curator.errors import FileError, InputError, PackageMissing

_STEPS = ("epoch", "step")
"""The column that counts the rows of a training table: fine-tuning's, the instant recipe's."""
_GROUPS = {"train_loss": "loss/train", "valid_loss": "loss/valid", "error_rate": "error/valid"}


def write_run(
    folder: Path,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
) -> Path:
    """Write one event file into ``folder``, made if need be; return its path.

    ``history``: rows of a training table; each number becomes a point of the curve named after its
    column, at the row's ``epoch`` or ``step``, and None and not-a-number are left out. ``settings``
    and ``metrics`` are those of a run: numbers in them, of inner mappings too (``valid/error``),
    become hyper-parameters and final figures, and all of them are kept as text.

    ``folder`` is one run's: raises :class:`InputError` when a log is in it already,
    :class:`PackageMissing` when tensorboard is not installed, :class:`FileError` when the disk
    refuses.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
        from torch.utils.tensorboard.summary import hparams
    except ImportError as error:
        raise PackageMissing(
            f"A TensorBoard log needs the package tensorboard, which is not installed: {error}.",
            "Install it with: pip install 'image-curator[tensorboard]'",
        ) from error
    if any(folder.glob("events.out.tfevents.*")):
        raise InputError(
            f"{folder} holds a TensorBoard log already; two in one folder would be drawn as one"
            " curve.",
            "Name another folder for this run.",
        )
    try:
        with SummaryWriter(str(folder)) as writer:
            for number, row in enumerate(history):
                at = next((int(row[name]) for name in _STEPS if name in row), number)
                for name, value in row.items():
                    if name not in _STEPS and _is_number(value):
                        writer.add_scalar(_GROUPS.get(name, name), float(value), at)
            for name, said in (("settings", settings), ("metrics", metrics)):
                writer.add_text(name, _as_text(said))
            figures = {k: float(v) for k, v in flat(metrics).items() if _is_number(v)}
            # Written by hand: the writer's own method would put them into a folder below.
            for part in hparams(flat(settings), figures):  # type: ignore[no-untyped-call]
                writer.file_writer.add_summary(part)
            for name, figure in figures.items():
                writer.add_scalar(name, figure)
    except OSError as error:
        raise FileError(
            f"The TensorBoard log in {folder} cannot be written: {error.strerror or error}.",
            "Free some space or name another folder.",
        ) from error
    return next(folder.glob("events.out.tfevents.*"))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, bool | str | float | int]:
    """What can be a hyper-parameter: numbers, texts and truth values, inner names joined by "/".

    Lists, None and not-a-number are left out.
    """
    found: dict[str, bool | str | float | int] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, (bool, str)) or _is_number(value):
            found[f"{prefix}{key}"] = value
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _as_text(values: Mapping[str, Any]) -> str:
    """A table in Markdown, which TensorBoard draws."""
    rows = [f"| {name} | {_cell(value)} |" for name, value in flat(values).items()]
    return "\n".join(["| name | value |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
