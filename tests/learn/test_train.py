"""The job `train` and its relatives on a real project: what is kept, refused and said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from curator.deliver.predict import Predictor
from curator.encode import torchvision_compat
from curator.encode.backbones import EFFICIENTNET_LITE0
from curator.encode.backbones.bundled import LITE0_SHA256
from curator.encode.feature_cache import FeatureCache
from curator.encode.project_features import feature_cache
from curator.errors import InputError, JobCancelled, NotEnoughData
from curator.jobs.progress import Progress
from curator.learn import training_set
from curator.learn.finetune import cost_job
from curator.learn.finetune.settings import FinetuneSettings
from curator.learn.instant.settings import InstantSettings
from curator.project import Project
from curator.review.comparison.compare import compare
from curator.store import runs
from curator.store.images import live
from curator.store.predictions import Predictions, predictions_of
from tests.conftest import copy_project
from tests.encode.weight_server import serving_weights
from tests.running import run_job

# Views of half the side: a quarter of the work, and nothing here depends on how good it gets.
QUICK = {"epochs": 1, "frozen_epochs": 1, "batch": 8, "train_scale": 0.5}


def newest(project: Project) -> tuple[runs.Run, Predictions]:
    """Read the newest run and what it says."""
    with project.database.read() as connection:
        run = runs.get(connection)
        return run, predictions_of(connection, run)


@pytest.mark.slow
def test_features_that_stay_on_the_disk_teach_the_same(
    checked_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a size they are read in pieces; what the run says does not hang on it."""
    found = []
    for name, most in (("held", 1 << 30), ("read", 0)):
        monkeypatch.setattr(training_set, "_MOST_HELD", most)
        with Project.open(copy_project(checked_folder, tmp_path / name)) as project:
            project.train()
            found.append(newest(project))
    (run, said), (other, same) = found
    assert run.metrics["baselines"] == other.metrics["baselines"]
    np.testing.assert_array_equal(said.image_ids, same.image_ids)
    np.testing.assert_allclose(said.probabilities, same.probabilities, atol=1e-5)
    np.testing.assert_allclose(said.fixed, same.fixed, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recipe": "instnt"}, "no recipe 'instnt'"),
        ({"fold": 3}, "The nearest: folds"),
        ({"epochs": 3}, "no setting 'epochs'"),
        ({"recipe": "finetune", "l2": 0.1}, "no setting 'l2'"),
        ({"recipe": "finetune", "epochs": "many"}, "epochs cannot be 'many'"),
        ({"recipe": "finetune", "rate": -1.0}, "rate cannot be -1.0: "),
        ({"folds": 1}, "folds cannot be 1: "),
        pytest.param({"backbone": "resnet81"}, "resnet18", marks=pytest.mark.slow),  # asks timm
    ],
)
def test_what_cannot_be_is_refused_at_once(
    small: Project, given: dict[str, Any], said: str
) -> None:
    """A wrong recipe, name, type, range or backbone is told before any work, and no run is kept."""
    with pytest.raises(InputError) as caught:
        run_job(small, "train", **given)
    assert said in str(caught.value)
    assert small.runs().empty


@pytest.mark.slow
def test_a_run_keeps_what_made_it(small: Project) -> None:
    """Settings, versions, seed, the last decision it knew, and the figures are all in the run."""
    small.decide([1], "keep")
    result = small.train(InstantSettings(folds=3, balance=True))
    run, said = newest(small)
    last = int(small.log()["decision"].max())
    assert (run.recipe, run.out_of_fold, run.ledger_position) == ("instant", True, last)
    assert run.settings["folds"] == 3
    assert run.settings["balance"] is True
    assert run.settings["l2"] is None
    assert run.settings["l2_used"] in [row["l2"] for row in run.settings["candidates"]]
    assert run.settings["temperature"] > 0
    assert run.settings["seed"] == small.seed
    assert run.settings["versions"]["torch"] == torch.__version__
    assert run.settings["weights_sha256"] == LITE0_SHA256
    assert run.metrics == result.metrics
    assert not said.in_sample.any()
    assert np.allclose(said.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_the_regularisation_stays_until_the_images_change(small: Project) -> None:
    """A retrain keeps what the first one chose on its folds; many new images choose anew."""
    small.train(InstantSettings(folds=3))
    small.train(InstantSettings(folds=3))
    assert newest(small)[0].settings["candidates"] == []
    small.decide(list(range(1, 11, 2)), "delete")
    small.train(InstantSettings(folds=3))
    assert newest(small)[0].settings["candidates"]


@pytest.mark.slow
def test_a_confirmed_image_is_flagged_no_more(sample_copy: Project) -> None:
    """What a person confirmed is no label issue in the next run, until its label changes."""
    _, said = newest(sample_copy)
    flagged = said.image_ids[said.is_label_issue].tolist()
    sample_copy.decide(flagged, "keep")
    sample_copy.train()
    _, said = newest(sample_copy)
    assert not set(flagged) & set(said.image_ids[said.is_label_issue].tolist())


def test_one_label_for_all_cannot_be_learnt(small: Project) -> None:
    """When review has put every image into one class, the error says which and what to do."""
    small.decide(list(range(1, 31)), "relabel", small.class_names()[0])
    with pytest.raises(NotEnoughData, match=f"Only the class {small.class_names()[0]} has images"):
        small.train()


@pytest.mark.slow
def test_a_class_smaller_than_the_folds_is_trained(small: Project) -> None:
    """With two images left of a class, five folds still judge every image."""
    with small.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT image_id, class_id FROM current").all()
    first = min(class_id for _, class_id in rows)
    of_first = [image_id for image_id, class_id in rows if class_id == first]
    small.decide(of_first[2:], "delete")
    small.train()
    _, said = newest(small)
    assert len(said.image_ids) == 30 - len(of_first) + 2
    assert np.isfinite(said.probabilities).all()


@pytest.mark.slow
def test_a_damaged_feature_cache_is_made_again_and_said(small: Project) -> None:
    """Features that were altered on disk are computed again, and the answer says so."""

    def features() -> np.ndarray:
        with small.database.read() as connection:
            digests = live(connection)["sha256"].tolist()
        return feature_cache(small, EFFICIENTNET_LITE0).rows(digests)

    assert small.train().notes == ()
    before = features()
    rows = next(path for path in small.features.glob("*lite0*/rows.bin"))
    content = bytearray(rows.read_bytes())
    content[100:200] = bytes(100)
    rows.write_bytes(content)
    result = small.train()
    assert "computed again" in " ".join(result.notes)
    np.testing.assert_allclose(features(), before, atol=1e-5)
    assert newest(small)[0].settings["notes"] == list(result.notes)


@pytest.mark.slow
def test_a_row_is_checked_once_a_job(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training reads each stored row once for its checksum, and trusts none that has it not."""
    small.train()
    read: Counter[tuple[Path, str]] = Counter()
    check = FeatureCache.check

    def counted(cache: FeatureCache, digests: list[str]) -> int:
        read.update((cache.folder, digest) for digest in digests)
        return check(cache, digests)

    monkeypatch.setattr(FeatureCache, "check", counted)
    small.train()
    assert len(read) == 2 * 30  # features, and the small versions for the baselines
    assert set(read.values()) == {1}

    rows = next(path for path in small.features.glob("*lite0*/rows.bin"))
    content = bytearray(rows.read_bytes())
    content[100:200] = bytes(100)  # of the first row
    rows.write_bytes(content)
    first = next(rows.parent.glob("index.bin")).read_bytes()[32:64].hex()
    next(small.originals.glob(f"*/{first}.*")).unlink()  # so that it cannot be computed again
    result = small.train()
    assert [line[:64] for line in result.unreadable] == [first]
    assert len(newest(small)[1].image_ids) == 29


@pytest.mark.slow
def test_a_tensorboard_log_is_written_beside(checked: Project, tmp_path: Path) -> None:
    """Asked for, the run's curves are in an event file in a folder of the run's own."""
    checked.train(tensorboard=tmp_path / "logs")
    assert list((tmp_path / "logs" / "small-run-1").glob("events.out.tfevents.*"))


@pytest.fixture(scope="module")
def tuned_folder(
    small_folder: Path, build_once: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """Fine-tune the small project for two short epochs; never change it."""

    def fill(folder: Path) -> None:
        with Project.open(copy_project(small_folder, folder / "project")) as project:
            answer = project.train(FinetuneSettings(**QUICK))
        (folder / "answer.json").write_text(json.dumps(answer.to_dict()))

    return build_once("tuned", fill)


@pytest.fixture
def tuned(tuned_folder: Path, tmp_path: Path) -> Any:
    """Open a copy of the fine-tuned project."""
    with Project.open(copy_project(tuned_folder / "project", tmp_path / "tuned")) as project:
        yield project


@pytest.mark.slow
def test_fine_tuning_keeps_a_run_that_claims_no_more_than_it_may(tuned: Project) -> None:
    """Training images are marked in-sample, only validation images are judged, the table says so.

    The ranking comes from the instant run that was made first.
    """
    run, said = newest(tuned)
    assert (run.id, run.recipe, run.out_of_fold) == (2, "finetune", False)
    judged = ~np.isnan(said.fixed).any(axis=1)
    assert np.array_equal(said.in_sample, ~judged)
    assert 0 < judged.sum() < len(judged)
    assert run.metrics["out_of_fold"]["error"] is None
    assert run.metrics["valid"]["images"] == judged.sum()
    assert [row["phase"] for row in run.history] == ["head", "all"]
    assert run.settings["pace"].keys() == {"head", "all"}
    assert run.metrics["diagnosis"]
    table = tuned.runs()
    assert table["recipe"].tolist() == ["instant", "finetune"]
    assert np.isnan(table["out_of_fold_error"].iloc[1])
    with tuned.database.read() as connection:
        assert runs.ranking(connection).id == 1
    assert not tuned.rank()["label_score"].isna().any()
    start = run.settings["start_error"]
    assert start is not None
    in_use = 2 if (run.metrics["valid"]["error"] or 0) < start else 1
    assert tuned.run_to_export().id == in_use
    tuned.use_run(2)
    judged_alone = tuned.status().run
    assert judged_alone is not None
    assert judged_alone.error == run.metrics["valid"]["error"]
    assert judged_alone.judged_on == "on the validation images"
    assert not (tuned.runs_folder / "unfinished").exists()


@pytest.mark.slow
def test_a_fine_tuned_model_predicts_alone(tuned: Project, tmp_path: Path) -> None:
    """Exported and read back, it says of validation images what the run recorded."""
    from curator.imaging.decoding import decode

    tuned.use_run(2)
    done = tuned.export_model(tmp_path / "model", int8=False)
    assert done.largest_difference < 1e-3
    run, said = newest(tuned)
    row = int(np.flatnonzero(~said.in_sample)[0])
    with tuned.database.read() as connection:
        file = connection.exec_driver_sql(
            "SELECT file FROM images WHERE id = ?", (int(said.image_ids[row]),)
        ).scalar_one()
    predictor = Predictor.load(tmp_path / "model")
    picture = predictor.prepare(decode(tuned.originals / file))
    shares = predictor.ask(picture[None]).probabilities[0]
    assert shares == pytest.approx(said.fixed[row], abs=1e-3)
    assert run.recipe == json.loads((tmp_path / "model" / "config.json").read_text())["recipe"]


@pytest.mark.soak
@pytest.mark.slow
def test_fine_tuning_out_of_fold_ranks(small: Project) -> None:
    """With a network for each fold every image is judged by one that did not see it."""
    small.train(FinetuneSettings(out_of_fold=True, folds=2, **QUICK))
    run, said = newest(small)
    assert run.out_of_fold
    assert not said.in_sample.any()
    assert run.metrics["out_of_fold"]["images"] == 30
    with small.database.read() as connection:
        assert runs.ranking(connection).id == run.id


@pytest.mark.slow
def test_a_cancelled_fine_tuning_goes_on_where_it_was(small: Project) -> None:
    """Cancelled after its first epoch, the same training asked for again begins with the second."""
    settings = {**QUICK, "epochs": 2}

    def stop_after_an_epoch(job: Progress) -> None:
        if any("epoch" in row for row in job.table):
            job.cancel()

    with pytest.raises(JobCancelled):
        small.train(FinetuneSettings(**settings), listener=stop_after_an_epoch)
    assert small.runs()["recipe"].tolist() == ["instant"]
    result = small.train(FinetuneSettings(**settings))
    assert any("Went on after epoch" in note for note in result.notes)
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert not (small.runs_folder / "unfinished").exists()


@pytest.mark.slow
def test_a_rate_is_found_and_a_cost_is_told(small: Project) -> None:
    """Neither search nor measurement keeps a run; both answer in a sentence."""
    found = small.find_rate(FinetuneSettings(batch=8, train_scale=0.5))
    assert len(found.rates) == len(found.losses) > 10
    assert found.rates == tuple(sorted(found.rates))
    cost = small.estimate_cost(FinetuneSettings(**QUICK))
    assert cost.seconds > 0
    assert cost.sentence.startswith("This will take about")
    assert cost.outlook in cost.sentence
    assert cost.start_error is not None
    assert (cost.trial_error is None) == cost.outlook.endswith("too few for a gain to show.")
    assert small.runs().empty


@pytest.mark.slow
def test_a_fine_tuning_that_gains_nothing_is_not_taken_into_use(
    small: Project, tmp_path: Path
) -> None:
    """What it came to is said, the instant run is exported, and a choice counts more.

    At such a rate no weight moves by as much as float32 can hold.
    """
    still = FinetuneSettings(epochs=0, frozen_epochs=1, rate=1e-12, batch=8, train_scale=0.5)
    result = small.train(still)
    assert result.run == 2
    (note,) = [note for note in result.notes if "stays in use" in note]
    assert "run 1 stays in use" in note
    assert note in result.sentence
    held = small.held_back_run()
    assert held is not None
    assert held.id == 2
    form = {**still.model_dump(), "backbone": ""}
    assert "too few for a gain to show." in cost_job.sentence(small, form)
    assert small.run_to_export().id == 1
    done = small.export_model(tmp_path / "model", int8=False)
    assert json.loads((tmp_path / "model" / "config.json").read_text())["recipe"] == "instant"
    assert done.run == 1
    small.use_run(2)
    assert small.run_to_export().id == 2


@pytest.mark.slow
def test_another_network_in_the_middle_of_a_project(
    small: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are fetched, its features are its own, and the comparison says what changed.

    Going back computes nothing again.
    """
    torchvision_compat.prepare()
    import timm

    model = timm.create_model("test_resnet.r160_in1k", pretrained=False)
    data = save({name: value.contiguous() for name, value in model.state_dict().items()})
    small.train(InstantSettings(folds=3))
    with serving_weights() as server:
        monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        server.files["/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"] = data
        result = small.train(InstantSettings(folds=3), backbone="timm:test_resnet")
    assert "timm:test_resnet: weights on disk" in result.choice
    run, said = newest(small)
    assert (run.backbone, len(said.image_ids)) == ("timm:test_resnet", 30)
    assert run.settings["candidates"]  # heads of other features are no start
    compared = compare(small)
    assert "network (efficientnet_lite0, then timm:test_resnet)" in compared.warning
    caches = {path.parent.name for path in small.features.glob("*/rows.bin")}
    assert any(name.startswith("timm-test_resnet") for name in caches)
    monkeypatch.setattr("curator.encode.project_features.extract", None)
    small.train(InstantSettings(folds=3))
    assert newest(small)[0].backbone == "efficientnet_lite0"
