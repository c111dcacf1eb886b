"""Where training runs: number format, memory layout, memory that runs out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Precision:
    """The number format of the forward pass; weights and their updates stay float32."""

    name: str
    """"float32", "bfloat16" or "float16"."""
    reason: str

    @property
    def scaled(self) -> bool:
        """Whether gradients would underflow without a scaler."""
        return self.name == "float16"

    def autocast(self, device: str) -> AbstractContextManager[Any]:
        """The context that a forward pass runs in."""
        import torch

        if self.name == "float32":
            return nullcontext()
        return torch.autocast(device, dtype=getattr(torch, self.name))


def precision_of(device: str) -> Precision:
    """The fastest safe format of ``device`` ("cpu", "cuda" or "mps")."""
    if device == "cuda":
        import torch

        major, minor = torch.cuda.get_device_capability()
        if major >= 8:
            return Precision("bfloat16", f"compute capability {major}.{minor}")
        return Precision("float16", f"compute capability {major}.{minor}, below 8.0")
    # bfloat16 on a processor without matrix units for it took 1.3 to 2 times as long.
    return Precision("float32", f"half precision gains nothing on {device}")


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that the device's memory ran out."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "DefaultCPUAllocator" in text or "MPS backend out of memory" in text
    )


def free_cache(device: str) -> None:
    """Give back what the device's allocator holds in reserve."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def own_random(device: str) -> AbstractContextManager[Any]:
    """Let torch's random numbers inside be seeded; the caller's own go on as if nothing was."""
    import torch

    devices = [torch.cuda.current_device()] if device == "cuda" else []
    return torch.random.fork_rng(devices)


def to_device(module: torch.nn.Module, device: str) -> torch.nn.Module:
    """Move ``module`` to ``device``, filters channels-last, which GPU and CPU both run faster."""
    import torch

    anyhow: Any = module  # memory_format is missing from torch's stubs
    moved: torch.nn.Module = anyhow.to(device, memory_format=torch.channels_last)
    return moved
