"""Every documented `fit` is run, made small."""

import pytest

from .commands import label, to_run
from .place import QUICKSTART, TRAINING, run_ours

NEEDS_SERVICE = "configs/judge/remote.yaml"
"""What `test_tools.py` runs, beside the service that it asks."""

NEEDS_VLLM = "configs/quickstart_vllm.yaml"
"""What `tests/test_quickstart_vllm.py` runs."""

FITS = [one for one in to_run("fit") if not {NEEDS_SERVICE, NEEDS_VLLM, "--help"} & {*one.words}]

pytestmark = pytest.mark.slow


def smaller(words):
    """Options that make it cheap; what goes on has to go further than it was."""
    more = list(TRAINING)
    if "configs/quickstart.yaml" in words:
        more += [*QUICKSTART, "--trainer.max_steps=-1"]
    if "--ckpt_path" in words:
        more += ["--trainer.max_epochs=2"]
    if "configs/judge/offline.yaml" in words:  # which leaves the answers of this base open
        more += ["--model.max_unjudged_share=1", "--watch.must_learn=false"]
    return more


@pytest.mark.parametrize("command", FITS, ids=label)
def test_it_trains(command, place_with_runs, monkeypatch, capsys):
    code = run_ours([*command.ours, *smaller(command.words)], monkeypatch)
    assert code == 0, capsys.readouterr().err
    goes_on = "--ckpt_path" in command.words
    folder = place_with_runs / "RUN" if goes_on else next(place_with_runs.glob("runs/*/*"))
    assert (folder / "checkpoints" / "last.ckpt").is_file()
    metrics = (folder / "metrics.csv").read_text().splitlines()
    assert len(metrics) == 5 if goes_on else len(metrics) > 1


def test_help(monkeypatch, capsys):
    assert run_ours(["fit", "--help"], monkeypatch) == 0
    assert "--run_dir" in capsys.readouterr().out
