"""Each family through the command line: `fit`, `validate`, `predict`, and the adapter in PEFT."""

import csv
import json

import pytest
import torch
import transformers
from families import chosen, runs, save
from peft import PeftModel
from runs import Commands
from safetensors.torch import load_file

from speciarl_pl.policy import load_policy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=chosen())
def trained(request, tmp_path_factory, videos_spelt):
    """Folder of a model of the family and of its run `fit`."""
    folder = tmp_path_factory.mktemp(request.param)
    base = save(folder / "base", request.param)
    config = runs.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        commands = Commands(folder, patch)
        assert commands("fit", "fit", f"--model.base={base}", config=config) == 0
    return folder


def test_two_steps_are_learned_on_images_of_unlike_shapes(trained):
    with (trained / "fit" / "metrics.csv").open() as file:
        losses = [float(row["train/grad_norm"]) for row in csv.DictReader(file) if row["train/grad_norm"]]
    assert len(losses) == 2
    assert min(losses) > 0


def test_validate_and_predict_take_the_adapter(trained, monkeypatch):
    pass
