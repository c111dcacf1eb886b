"""What a killed run goes on from: the weights and the optimiser after an epoch, in one file.

A checkpoint is one safetensors file, written in one step: tensors for the network and the
optimiser, JSON for the rest, and a SHA-256 over both. A file that was cut off or altered is set
aside, said so, and the run starts anew. Nothing in it is executed when it is read (no pickle).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from curator.errors import WeightsAltered
from curator.files import write_atomic
from curator.hashing import sha256_of_all
from curator.store.run_json import EpochRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAST = "last.safetensors"
_FORMAT = "finetune-2"
_NETWORK, _AVERAGE, _OPTIMISER = "network.", "average.", "optimiser."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A run after its last whole epoch."""

    fingerprint: str
    """Of settings and data; another run's checkpoint is not gone on from."""
    history: list[EpochRow]
    network: dict[str, torch.Tensor]
    optimiser: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)
    """State of each parameter by its number in the optimiser; empty after a phase's end."""
    average: dict[str, torch.Tensor] = field(default_factory=dict)
    """Of the network's weights, where it is kept."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Numbers and texts that belong to the state."""


def best_name(epoch: int) -> str:
    """File of the best epoch's weights."""
    return f"best-{epoch}.safetensors"


def forget_best_but(folder: Path, epoch: int) -> None:
    """Remove the weights of epochs that were the best once."""
    for path in folder.glob("best-*.safetensors"):
        if path.name != best_name(epoch):
            path.unlink(missing_ok=True)


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write in one step that survives a kill. Raises :class:`~curator.errors.FileError`."""
    tensors = {_NETWORK + name: tensor for name, tensor in checkpoint.network.items()}
    tensors |= {_AVERAGE + name: tensor for name, tensor in checkpoint.average.items()}
    for number, state in checkpoint.optimiser.items():
        for name, tensor in state.items():
            tensors[f"{_OPTIMISER}{number}.{name}"] = tensor
    # Copies of their own: safetensors refuses shared memory, and the layout on disk is plain.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    record = json.dumps(
        {
            "format": _FORMAT,
            "fingerprint": checkpoint.fingerprint,
            "history": checkpoint.history,
            "extra": checkpoint.extra,
        }
    )
    metadata = {"record": record, "sha256": _digest(plain, record)}
    write_atomic(path, save(plain, metadata))


def read(path: Path) -> Checkpoint | None:
    """The checkpoint at ``path``; None where there is none.

    Raises ValueError with what is wrong with the file.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(str(error)) from error
    record = metadata.get("record", "")
    if metadata.get("sha256") != _digest(tensors, record):
        raise ValueError("its content is not what was written")
    said = _said(record)
    network: dict[str, torch.Tensor] = {}
    average: dict[str, torch.Tensor] = {}
    optimiser: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(_NETWORK):
            network[name.removeprefix(_NETWORK)] = tensor
        elif name.startswith(_AVERAGE):
            average[name.removeprefix(_AVERAGE)] = tensor
        else:
            number, _, key = name.removeprefix(_OPTIMISER).partition(".")
            optimiser.setdefault(int(number), {})[key] = tensor
    history, extra = said["history"], said["extra"]
    return Checkpoint(said["fingerprint"], history, network, optimiser, average, extra)


def _said(record: str) -> dict[str, Any]:
    """What is not in tensors. A checkpoint may come with a project from anyone."""
    try:
        said = json.loads(record)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    wanted = {"format": str, "fingerprint": str, "history": list, "extra": dict}
    if not isinstance(said, dict) or not all(
        isinstance(said.get(name), kind) for name, kind in wanted.items()
    ):
        raise ValueError("it is of another form")
    if said["format"] != _FORMAT:
        raise ValueError(f"it is of the form {said['format']}")
    return said


def read_or_set_aside(path: Path, fingerprint: str, notes: list[str]) -> Checkpoint | None:
    """The checkpoint of the run with ``fingerprint``, or None, with the reason in ``notes``.

    A damaged file is renamed to ``*.corrupt``; one of other settings or data is left to be
    overwritten.
    """
    try:
        found = read(path)
    except ValueError as error:
        aside = path.with_suffix(".corrupt")
        path.replace(aside)
        text = f"The checkpoint {path.name} was damaged ({error}); it is kept as {aside.name}."
        _log.warning("%s", text)
        notes.append(text)
        return None
    if found is not None and found.fingerprint != fingerprint:
        notes.append(f"The checkpoint {path.name} is of other settings or images; not used.")
        return None
    return found


def refuse_unfit(path: Path, found: Checkpoint, network: torch.nn.Module, epochs: int) -> None:
    """Raise WeightsAltered for a checkpoint that no run of ``epochs`` on ``network`` has written.

    A fingerprint can be copied into a file that somebody made up.
    """
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    parameters = [value.shape for value in network.parameters()]
    same = all(
        {name: value.shape for name, value in tensors.items()} == shapes
        for tensors in (found.network, found.average or found.network)
    )
    kept = [item for state in found.optimiser.values() for item in state.items()]
    known = {torch.Size(), *parameters}
    history = 0 < len(found.history) <= epochs and all(map(_is_epoch, found.history))
    if not (same and history and all(value.shape in known for _, value in kept)):
        raise altered(path)


def altered(path: Path) -> WeightsAltered:
    """The error for a file that was made up."""
    return WeightsAltered(
        f"The checkpoint {path} has the name of this run, but holds what fits neither its network"
        " nor its epochs: it was altered.",
        "Delete it, then train again: the run starts anew.",
    )


def _is_epoch(row: object) -> bool:
    """Whether it is a row of the table of epochs, of the types that it has."""
    return (
        isinstance(row, dict)
        and row.keys() == EpochRow.__annotations__.keys()
        and isinstance(row["phase"], str)
        and all(
            value is None or (isinstance(value, int | float) and not isinstance(value, bool))
            for name, value in row.items()
            if name != "phase"
        )
    )


def optimiser_state(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, torch.Tensor]]:
    """The tensors of ``optimizer``, by parameter number."""
    state: dict[int, dict[str, torch.Tensor]] = optimizer.state_dict()["state"]
    return state


def restore_optimiser(
    optimizer: torch.optim.Optimizer, state: dict[int, dict[str, torch.Tensor]]
) -> None:
    """Put ``state`` back, laid out in memory as the parameters are."""
    whole = optimizer.state_dict()
    whole["state"] = {
        number: {
            name: tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
            for name, tensor in tensors.items()
        }
        for number, tensors in state.items()
    }
    optimizer.load_state_dict(whole)


def _digest(tensors: dict[str, torch.Tensor], record: str) -> str:
    return sha256_of_all(_pieces(tensors, record))


def _pieces(tensors: dict[str, torch.Tensor], record: str) -> Iterator[bytes | memoryview]:
    yield record.encode()
    for name in sorted(tensors):
        tensor = tensors[name]
        yield f"|{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode()
        yield tensor.reshape(-1).view(torch.uint8).numpy().data
