"""Make ``import torchvision`` work beside a CPU build of torch.

Beside a CPU build of torch 2.13, torchvision's compiled operators (``_C``) do not load, and
``import torchvision`` then fails while it registers shape functions for ``torchvision::nms`` and
``torchvision::qnms``, operators that nobody defined. Defining the two schemas first lets its
models and transforms import; the curator never calls the operators. timm imports torchvision too,
so everything that imports either calls :func:`prepare` first.

Where the compiled operators do load, defining a schema again would be an error: there
:func:`prepare` changes nothing.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
# torch.library drops its definitions when the Library object is collected, so it is kept here.
_library: Any = None


def prepare() -> bool:
    """Call before torchvision or timm is imported; calling it again changes nothing.

    Returns True when the two schemas had to be defined here (compiled operators do not load),
    False when torchvision is whole, missing, or was imported before.
    """
    global _library  # noqa: PLW0603  the definitions live as long as the process
    if _library is not None:
        return True
    if "torchvision" in sys.modules:
        return False
    specification = importlib.util.find_spec("torchvision")
    if specification is None or specification.origin is None:
        return False
    import torch

    if _operators_load(Path(specification.origin).parent):
        return False
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in _SCHEMAS.items():
        if not _is_defined(name):
            library.define(schema)  # type: ignore[no-untyped-call]
    _library = library
    return True


def _operators_load(folder: Path) -> bool:
    """Whether the shared library of torchvision's operators is there and loads."""
    import torch

    for candidate in sorted(folder.glob("_C*")):
        if candidate.suffix not in {".so", ".pyd", ".dylib"}:
            continue
        try:
            torch.ops.load_library(str(candidate))  # type: ignore[no-untyped-call]
        except (OSError, RuntimeError):
            continue
        return all(_is_defined(name) for name in _SCHEMAS)
    return False


def _is_defined(name: str) -> bool:
    import torch

    return hasattr(torch.ops.torchvision, name)
