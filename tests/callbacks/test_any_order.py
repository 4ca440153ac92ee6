"""A trainer built in Python leaves the same files whatever the order of its callbacks."""

import json

import lightning as L
import pyarrow.parquet as pq
import pytest
from PIL import Image

from speciarl_pl.callbacks import (
    Continuation,
    HFRolloutCallback,
    PredictionWriter,
    ReportWriter,
    ResultsWriter,
    RolloutLog,
    RunRecorder,
    Sampling,
    SkippedReport,
    Thumbnails,
)
from speciarl_pl.data import OpenWorldDataModule
from speciarl_pl.data.datasets import WorldImages
from speciarl_pl.errors import RunError
from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.older_protocol import OlderProtocol
from speciarl_pl.policy import LoraSpec

pytestmark = [
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


def callbacks():
    sampling = Sampling(max_new_tokens=8)
    engine = HFRolloutCallback(
        group_size=2, val_group_size=2, sampling=sampling, val_sampling=sampling, seed=0
    )
    log, recorder = RolloutLog(), RunRecorder()
    return [
        *(engine, log, Continuation(engine, log, {}), Thumbnails(4), recorder),
        *(ResultsWriter(OlderProtocol(), log), PredictionWriter(log)),
        *(ReportWriter(log, recorder), SkippedReport()),
    ]


def trainer(folder, own):
    return L.Trainer(
        accelerator="cpu",
        inference_mode=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
        callbacks=own,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def module():
    return SpeciaRLModule(lora=LoraSpec(r=2), dtype="float32")


@pytest.fixture
def data(tmp_path):
    Image.new("RGB", (56, 56)).save(tmp_path / "a.png")
    return OpenWorldDataModule(
        val=[WorldImages("train", n=3, name="seen")],
        images=str(tmp_path / "a.png"),
        judge=TaxonomyJudge("world"),
        prompt="brief",
    )


@pytest.mark.parametrize("turn", [list, reversed], ids=["as they come", "turned"])
def test_the_files_of_any_order(tmp_path, data, turn, capsys):
    valid, photos = tmp_path / "valid", tmp_path / "photos"
    trainer(valid, [*turn(callbacks())]).validate(module(), datamodule=data, verbose=False)
    assert pq.read_metadata(valid / "rollouts.parquet").num_rows == 6
    found = json.loads((valid / "results.json").read_text())["datasets"]["seen"]
    assert found["older"]["textual_inclusion"]["n"] == 6
    assert found["judge_coverage"]["n"] + found["counts"]["unparsed"] == 6
    page = (valid / "report.html").read_text()
    assert "as far as noted before a stop" not in page
    assert "3 of 3 images." in page
    options = {"datamodule": data, "return_predictions": False}
    trainer(photos, [*turn(callbacks())]).predict(module(), **options)
    (line,) = (photos / "predictions.jsonl").read_text().splitlines()
    assert sum(votes for _, votes in json.loads(line)["answers"]) == 2
    assert "1 photos" in capsys.readouterr().out


def test_a_protocol_needs_the_log():
    with pytest.raises(ValueError, match="log: expected the RolloutLog of this run, whose answers"):
        ResultsWriter(OlderProtocol())


def test_an_error_for_what_was_skipped_may_not_come_before_the_report(tmp_path, data):
    log, recorder = RolloutLog(), RunRecorder()
    own = [SkippedReport(0.5), log, recorder, ReportWriter(log, recorder)]
    with pytest.raises(RunError, match="callbacks: expected SkippedReport behind ReportWriter"):
        trainer(tmp_path / "run", own).validate(module(), datamodule=data)


@pytest.mark.parametrize("made", [PredictionWriter, lambda log: ReportWriter(log, RunRecorder())])
def test_a_log_that_sees_nothing_is_told_before_anything_is_drawn(tmp_path, data, made):
    own = trainer(tmp_path / "run", [made(RolloutLog())])
    with pytest.raises(RunError, match="callbacks: expected the RolloutLog that others were given"):
        own.validate(module(), datamodule=data)
