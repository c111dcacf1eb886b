"""Every queue against a model in plain Python, for made-up projects."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.review.queue.filters import Filters
from curator.review.queue.kinds import BY_CHANCE, QUEUES, counts, open_queue
from curator.store import schema
from tests.review.made_up import BY_ACTION, CLASSES, Made, make

if TYPE_CHECKING:
    from collections.abc import Callable

SHARES = st.lists(st.integers(1, 5), min_size=3, max_size=3).map(
    lambda parts: tuple(part / sum(parts) for part in parts)
)
STATES = {"unsure": "unsure", "several": "several", "none": "none", "trash": "deleted"}


@st.composite
def projects(draw: st.DrawFn) -> tuple[list[Made], bool]:
    """Draw up to eight images, and whether the third class was merged into the first."""
    merged = draw(st.booleans())
    present = st.integers(1, 2 if merged else 3)
    number = draw(st.integers(0, 8))
    images = st.builds(
        Made,
        given=present,
        action=st.sampled_from(["", "", *BY_ACTION]),
        label=present,
        shares=st.one_of(st.just(()), SHARES),
        seen_as=st.integers(1, 3),
        in_sample=st.booleans(),
        group=st.sampled_from([None, 1, 2, 3]),
        split=st.sampled_from(["train", "valid"]),
        dark=st.sampled_from([0.1, 0.2, 0.9, 0.9, 0.9]),
        outlier=st.sampled_from([None, 0.1, 0.1, 0.5]),
        listed=st.lists(st.integers(1, 3), max_size=2, unique=True).map(tuple),
        audited=st.booleans(),
        shown_again=st.booleans(),
    )
    return draw(st.lists(images, min_size=number, max_size=number)), merged


class Model:
    """The queues by lists and sorting."""

    def __init__(self, made: list[Made], merged: bool, filters: Filters) -> None:
        self.every = dict(enumerate(made, 1))
        self.merged = merged
        self.filters = filters

    def counted(self, class_id: int) -> int:
        """Give the class that another counts as."""
        return 1 if self.merged and class_id == 3 else class_id

    def passes(self, key: int) -> bool:
        """Say whether the filters let an image through."""
        image, wanted = self.every[key], self.filters
        guess = CLASSES[self.counted(image.predicted) - 1] if image.shares else ""
        return (
            wanted.label in {"", CLASSES[image.present - 1]}
            and wanted.predicted in {"", guess}
            and wanted.split in {"", image.split}
        )

    def groups(self) -> dict[int, list[int]]:
        """Give the groups with several live images, the best first: all are alike but for age."""
        found = defaultdict(list)
        for key, image in self.every.items():
            if image.live and image.group is not None:
                found[image.group].append(key)
        return {group: keys for group, keys in found.items() if len(keys) > 1}

    def two_classes(self) -> list[int]:
        """Give images listed under several classes, and those of groups of several labels."""
        found = {
            key
            for keys in self.groups().values()
            if len({self.every[key].present for key in keys}) > 1
            for key in keys
        }
        for key, image in self.every.items():
            under = {self.counted(class_id) for class_id in (image.given, *image.listed)}
            if image.state in {"new", "unsure"} and len(under) > 1:
                found.add(key)
        return sorted(found, key=lambda key: (self.every[key].group or key, key))

    def dark(self) -> list[int]:
        """Give dark images, unless more than half of the live ones are."""
        live = [key for key, image in self.every.items() if image.live]
        found = [key for key in live if self.every[key].dark < 0.3]
        return found if len(found) <= len(live) / 2 else []

    def queue(self, kind: str) -> list[int]:
        """Give the ids of a queue in order."""
        every = {key: image for key, image in self.every.items() if self.passes(key)}
        live = {key: image for key, image in every.items() if image.live}
        seen = {key: image for key, image in live.items() if image.shares}
        same = {key: image for key, image in seen.items() if image.seen_as == image.present}
        wrong = {
            key: (image.present, self.counted(image.predicted))
            for key, image in seen.items()
            if not image.in_sample and self.counted(image.predicted) != image.present
        }
        pairs = Counter(wrong.values())
        sure = {key: -max(image.shares) for key, image in seen.items()}

        def score(key: int) -> tuple[float, int]:
            return every[key].shares[every[key].seen_as - 1], key

        if kind in STATES:
            return [key for key, image in every.items() if image.state == STATES[kind]]
        by_kind: dict[str, Callable[[], list[int]]] = {
            "suspicious": lambda: sorted((k for k in same if same[k].state == "new"), key=score),
            "top losses": lambda: sorted(same, key=score),
            "low confidence": lambda: sorted(
                (k for k in seen if seen[k].state in {"new", "unsure"}),
                key=lambda key: (-sure[key], key),
            ),
            "most confused": lambda: sorted(
                wrong, key=lambda key: (-pairs[wrong[key]], wrong[key], sure[key], key)
            ),
            "confused": lambda: sorted(wrong, key=lambda key: (sure[key], key)),
            "duplicates": lambda: [
                key for _, keys in sorted(self.groups().items()) for key in keys if key in every
            ],
            "two classes": lambda: [key for key in self.two_classes() if key in live],
            "outliers": lambda: sorted(
                (k for k in live if live[k].outlier is not None and live[k].state != "kept"),
                key=lambda key: (live[key].outlier, key),
            ),
            "problems": lambda: [key for key in self.dark() if key in live],
            "recent": lambda: [key for key in reversed(every) if every[key].state != "new"],
            "audit": lambda: [
                k for k, image in every.items() if image.state == "new" and not image.audited
            ],
            "again": lambda: [
                k for k, image in every.items() if image.state != "new" and not image.shown_again
            ],
            "all": lambda: list(live),
            "similar": list,  # asked with nothing
            "words": list,
            "concept": list,
            # Every image came under a class: tests/find/test_unlabelled.py
            **dict.fromkeys(("label next", "surest", "strangest"), list),
            "disputed": list,  # nobody else has said anything: tests/deliver/test_recipe.py
        }
        return by_kind[kind]()


def narrowed(merged: bool) -> st.SearchStrategy[Filters]:
    """Draw filters by label, prediction and split."""
    names = st.sampled_from(["", *CLASSES[: 2 if merged else 3]])
    return st.builds(
        Filters, label=names, predicted=names, split=st.sampled_from(["", "train", "valid"])
    )


@pytest.mark.slow
@settings(max_examples=20)
@given(data=st.data(), drawn=projects())
def test_each_queue_is_its_model(data: st.DataObject, drawn: tuple[list[Made], bool]) -> None:
    """Whatever the labels, states, groups, scores, merges and filters: the same ids in order."""
    made, merged = drawn
    filters = data.draw(narrowed(merged))
    model = Model(made, merged, filters)
    with (
        tempfile.TemporaryDirectory() as folder,
        make(Path(folder) / "project", made, merged) as project,
    ):
        numbers = counts(project, filters=filters)
        for kind, queue in QUEUES.items():
            expected = model.queue(kind)
            if kind == "confused" and filters.label and filters.predicted:
                continue  # a cell, the diagonal's too: tests/review/test_queues.py
            found = open_queue(project, kind, filters).ids.tolist()
            assert numbers[kind] == len(found)
            if queue.group == BY_CHANCE:
                assert sorted(found) == expected, kind
            else:
                assert found == expected, kind


def test_chance_is_stable_and_fair(tmp_path: Path) -> None:
    """An audit's order depends on seed and image alone, and its beginning is a fair sample."""
    with make(tmp_path / "project", [Made()] * 400) as project:
        first = open_queue(project, "audit").ids.tolist()
        assert sorted(first) == list(range(1, 401))
        project.decide(first[:5], "keep")
        assert open_queue(project, "audit").ids.tolist() == first[5:]
        # 100 of 400 drawn without replacement: mean 200.5, standard error 10.
        assert 160 < sum(first[:100]) / 100 < 240
        assert open_queue(project, "again").ids.tolist() != sorted(first[:5], reverse=True)
        project.seed += 1
        other = open_queue(project, "audit").ids.tolist()
        assert sorted(other) == sorted(first[5:])
        assert other != first[5:]


@pytest.mark.parametrize("state", [schema.SEVERAL, schema.NONE])
def test_what_is_left_out_comes_back(tmp_path: Path, state: str) -> None:
    """An image of several or none of the classes is in that queue and in no other by the model."""
    actions = {schema.SEVERAL: "several", schema.NONE: "none"}
    made = [Made(shares=(0.1, 0.6, 0.3)), Made(shares=(0.2, 0.5, 0.3))]
    with make(tmp_path / "project", made) as project:
        project.decide([1], actions[state])  # type: ignore[arg-type]
        held = {kind for kind in QUEUES if 1 in open_queue(project, kind).ids}
        assert held == {state, "recent", "again"}
        project.undo()
        assert open_queue(project, "suspicious").ids.tolist() == [1, 2]
