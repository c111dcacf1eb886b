"""The network that knows words: CLIP, whose features of a picture and of a text can be compared.

It serves the search by words alone. Its architecture and tokeniser are open_clip's (extra
``text``), which nothing else needs; describing the network, and whether it is installed and on
disk, imports neither that nor torch. CLIP rather than SigLIP, since its tokeniser comes along:
one file is downloaded, and no library more is needed (docs/experiments.md).
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from curator.encode import torchvision_compat
from curator.encode.backbones.description import PREPROCESSING_VERSION, Backbone
from curator.encode.backbones.registry import hub_address
from curator.encode.weights import WeightSource
from curator.errors import PackageMissing, WeightsAltered

if TYPE_CHECKING:
    from pathlib import Path

NAME = "clip_vit_b_32"
COMMAND = "pip install 'image-curator[text]'"

_REPOSITORY = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
_REVISION = "1a25a446712ba5ee05982a381eed697ef9b435cf"
# As many independent public projects recorded it.
_SHA256 = "ac4f8c4b88af6d963118cbf40ad93176d092abbedfcb752601ae1866352656e6"
_BYTES = 605_143_316


def words_network() -> Backbone:
    """The network for words, as a backbone: of its two halves the one that sees pictures."""
    return Backbone(
        name=NAME,
        key=f"open_clip-{NAME}-{_SHA256[:12]}-p{PREPROCESSING_VERSION}",
        architecture="ViT-B-32",
        dimension=512,
        size=224,
        crop=1.0,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
        interpolation="bicubic",
        bundled=False,
        library="open_clip",
        licence="MIT",
        source=WeightSource(
            name=NAME,
            file=f"{NAME}-{_SHA256[:8]}.safetensors",
            address=f"{hub_address()}/{_REPOSITORY}/resolve/{_REVISION}/open_clip_model.safetensors",
            sha256=_SHA256,
            size=_BYTES,
            replaceable=False,
        ),
    )


def is_installed() -> bool:
    """Whether the library is there. Imports nothing."""
    return importlib.util.find_spec("open_clip") is not None


def require_installed() -> None:
    """Raise PackageMissing, with the command that installs it, where the library is not there."""
    if not is_installed():
        raise PackageMissing(
            "To search by words the package open-clip-torch is needed, which is not installed.",
            f"Install it with: {COMMAND}",
        )


def load_clip(backbone: Backbone, path: Path) -> Any:
    """open_clip's network with both halves, in evaluation mode, from a checked weight file.

    Raises PackageMissing, WeightsAltered. Imports torch.
    """
    require_installed()
    torchvision_compat.prepare()
    import open_clip

    network = open_clip.CLIP(**open_clip.get_model_config(backbone.architecture))
    try:
        open_clip.load_checkpoint(network, str(path))
    except (RuntimeError, KeyError, StopIteration, AssertionError) as error:
        raise WeightsAltered(
            f"{path} does not fit {backbone.architecture} of open_clip.",
            f"Delete it, then run it again; if that does not help: {COMMAND}",
        ) from error
    return network.eval()
