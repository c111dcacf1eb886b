"""Settings refuse what cannot work, with the value and the range."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import InputError
from curator.learn.finetune.settings import EngineSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", -1),
        ("epochs", 1.5),
        ("epochs", True),
        ("frozen_epochs", "2"),
        ("rate", 0),
        ("rate", math.nan),
        ("rate", math.inf),
        ("unfrozen_rate", -1.0),
        ("spread", 0.5),
        ("batch", 0),
        ("train_scale", 0.1),
        ("weight_decay", 2),
        ("label_smoothing", 1.0),
        ("mixup", -0.1),
        ("clip", 0),
        ("clip", math.inf),
        ("patience", 0),
        ("keep", "first"),
        ("min_scale", 0),
        ("stretch", 0.9),
        ("rotate", 200),
        ("lighting", 1),
        ("seed", -1),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: object) -> None:
    """The error says which setting, which value, and what would do."""
    with pytest.raises(InputError, match=name) as caught:
        EngineSettings(**{name: value})
    assert repr(value) in caught.value.problem
    assert caught.value.fix


def test_no_epoch_at_all_is_refused() -> None:
    """A run of no epochs would answer with an untrained network."""
    with pytest.raises(InputError, match="train nothing"):
        EngineSettings(epochs=0, frozen_epochs=0)


@pytest.mark.slow
@given(rows=st.integers(1, 100_000), device=st.sampled_from(["cpu", "cuda", "mps"]))
def test_the_batch_suits_the_data(rows: int, device: str) -> None:
    """Never more than the rows; small sets get at least 25 steps an epoch, or batches of 8."""
    batch = EngineSettings().batch_for(device, rows)
    assert 1 <= batch <= min(rows, 64)
    assert batch <= 8 or rows / batch >= 25


def test_the_record_gives_the_settings_back() -> None:
    """What a run keeps is enough to run it again."""
    settings = EngineSettings(epochs=2, mixup=0.4, patience=3)
    assert EngineSettings(**settings.model_dump()) == settings
