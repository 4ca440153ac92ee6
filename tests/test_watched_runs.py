"""Runs that cannot learn end soon, with the cause, code 1 and without an adapter."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from runs import Answering
from test_bad_input import photos, rejected

__all__ = ["photos"]  # a fixture

pytestmark = pytest.mark.slow  # a dozen runs

NO_VALIDATION = "--trainer.limit_val_batches=0"
DEFAULT_REWARD = "--model.reward=null"


class Alike(Answering):
    """Says the same of everything."""

    def draw(self, *args):
        return [_said_alike(group) for group in super().draw(*args)]


def _said_alike(group):
    said = tuple(replace(rollout, text="<answer>cup</answer>") for rollout in group.rollouts)
    return replace(group, rollouts=said)


def judge(name, **options):
    return f"--data.judge={json.dumps({'class_path': name, 'init_args': options})}"


def cascade(**options):
    stages = [
        {"class_path": "ExactJudge", "init_args": {"unknown": "unjudged"}},
        {"class_path": "TaxonomyJudge", "init_args": {"taxonomy": "world", **options}},
    ]
    return judge("CascadeJudge", stages=stages)


def refused(commands, capsys, *options):
    """The whole message of a `fit` that stops for what it cannot learn."""
    assert commands("fit", "run", DEFAULT_REWARD, NO_VALIDATION, *options) == 1
    run = commands.folder / "run"
    assert not (run / "adapter").exists()
    assert (run / "metrics.csv").exists() or (run / "checkpoints").exists()
    error = capsys.readouterr().err
    assert error.count("error: ") == 1
    assert "Traceback" not in error
    return error.partition("error: ")[2]


def on_photos(path):
    return "--data.train=ImageTable", f"--data.train.init_args.path={path}"


def test_no_readable_image(commands, capsys, photos):
    """It ran for ever with max_steps, and ended with code 0 and an adapter with max_epochs."""
    for index in range(6):
        (photos.parent / f"{index}.png").write_bytes(b"")
    message = refused(commands, capsys, *on_photos(photos), "--trainer.max_epochs=500")
    assert "the first 3 batches have no readable image: 6 of 6 images of 3 batches" in message
    assert f"  photos: {photos.parent / '0.png'}: an empty file" in message


def test_all_answers_cut(commands, capsys):
    cut = "--rollout.init_args.sampling.max_new_tokens=3"
    message = refused(commands, capsys, cut, "--watch.patience=2", "--trainer.max_epochs=500")
    assert "in the last 2 batches no group had a signal: 8 of 8 answers were cut at " in message
    assert "rollout.sampling.max_new_tokens = 3; raise it" in message
    assert "unparsed (thinking not closed; cut)" in message
    rows = pq.read_table(commands.folder / "run" / "rollouts.parquet").to_pylist()
    assert {row["step"] for row in rows} == {0, 1}, "the batch that it stopped at is logged too"


def test_no_signal(commands, capsys):
    engine = "--rollout.class_path=test_watched_runs.Alike"
    message = refused(commands, capsys, engine, judge("ExactJudge"))
    assert (
        "nothing was learned in 4 batches: 16 of 16 answers are wrong; the judge is ExactJudge"
        in (message)
    )


@pytest.mark.parametrize("unknown", ["wrong", "unjudged"])
@pytest.mark.parametrize("kind", ["taxonomy", "cascade"])
def test_labels_that_the_judge_does_not_know(commands, capsys, photos, kind, unknown):
    """A truth outside its tree is unjudged, whatever the judge makes of unknown predictions."""
    own = {"taxonomy": "world", "unknown": unknown}
    chosen = judge("TaxonomyJudge", **own) if kind == "taxonomy" else cascade(unknown=unknown)
    engine = "--rollout.class_path=runs.Answering"
    options = (*on_photos(photos), chosen, engine, "--data.batch_size=6")
    message = refused(commands, capsys, *options)
    title = "TaxonomyJudge" if kind == "taxonomy" else "CascadeJudge(ExactJudge, TaxonomyJudge)"
    count = 10 if unknown == "wrong" else 11  # the rose is a colour of the built-in world
    assert f"{count} of 12 rollouts were left unjudged, more than max_unjudged_share=0." in message
    assert f"by {title}, for the labels " in message
    assert "tiger lily" in message
    assert "give data.judge one that does" in message


def test_a_judge_that_calls_foreign_labels_wrong_teaches_to_abstain_alone(commands, capsys, photos):
    """Steps are taken, away from wrong answers; what they leave passes for nothing trained."""
    engine = "--rollout.class_path=runs.Answering"
    options = (*on_photos(photos), "--data.judge=ExactJudge", engine, NO_VALIDATION)
    message = rejected(commands, capsys, *options, "--watch.patience=2", code=1)
    assert "in the last 2 batches no answer was correct" in message
    assert "the judge is ExactJudge" in message
    assert not (commands.folder / "run" / "adapter").exists()


def test_unknown_labels_where_any_share_may_be_unjudged(commands, capsys, photos):
    options = ("--model.max_unjudged_share=1", "--rollout.class_path=runs.Answering")
    message = refused(commands, capsys, *on_photos(photos), *options)
    assert "10 of 12 answers are unjudged; the judge, TaxonomyJudge, does not know the" in message


def test_a_run_that_has_learned_and_then_stops_leaves_its_adapter(commands, capsys, photos):
    for index in range(1, 6):
        (photos.parent / f"{index}.png").write_bytes(b"")
    options = (*on_photos(photos), "--data.judge=ExactJudge", NO_VALIDATION, "--watch.window=3")
    message = rejected(commands, capsys, *options, code=1)
    assert "more than watch.max_skipped_share = 0.5 could not be read: 5 of 6 images of" in message
    assert (commands.folder / "run" / "adapter" / "adapter_model.safetensors").exists()


def test_both_ranks_stop_together_with_one_message(commands, photos):
    for index in range(6):
        (photos.parent / f"{index}.png").write_bytes(b"")
    run = commands.folder / "run"
    command = [
        *(sys.executable, "-m", "speciarl_pl", "fit", "--config", str(commands.config)),
        *("--run_dir", str(run), *on_photos(photos), DEFAULT_REWARD, NO_VALIDATION),
        *("--data.batch_size=1", "--trainer.strategy=ddp", "--trainer.devices=2"),
    ]
    paths = os.pathsep.join(
        filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
    )
    settings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    done = subprocess.run(
        command, env=settings, timeout=120, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("error: ") == 1
    assert "the first 3 batches have no readable image: 6 of 6 images of 3 batches" in done.stderr
    assert not (run / "adapter").exists()
