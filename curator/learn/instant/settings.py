"""What may be set of an instant training. Light: imports neither numpy nor torch."""

from __future__ import annotations

from pydantic import Field

from curator.settings import Settings


class FitSettings(Settings):
    """How the heads are fitted; the defaults are what was measured to serve best."""

    folds: int = Field(
        default=5, ge=2, description="parts that are held out in turn, each judged by the others"
    )
    l2: float | None = Field(
        default=None,
        gt=0,
        description="strength of the regularisation, usually 0.001 to 1; None: chosen on held-out"
        " images",
    )
    balance: bool = Field(
        default=False,
        description="let every class count the same, by weights inverse to its frequency",
    )
    calibrate: bool = Field(
        default=True,
        description="divide the logits by a temperature fitted on held-out images",
    )
    doubt: bool = Field(
        default=True,
        description="fit twice, the second time without the labels that the heads doubt",
    )


class InstantSettings(FitSettings):
    """What a user may set of an instant training."""

    mirror: bool = Field(
        default=False,
        description="average with the mirrored image's prediction; its features are computed too",
    )
