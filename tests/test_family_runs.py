"""Each family through the command line: `fit`, `validate`, `predict`, and the adapter in PEFT."""

import csv
import json

import pytest
import torch
import transformers
from families import chosen, runs, save
from peft import PeftModel
from peft.utils import get_peft_model_state_dict
from runs import Commands
from safetensors.torch import load_file

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("num2words"),
    pytest.mark.filterwarnings(  # PaliGemma's own processor, and Mllama's own tower
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",
        "ignore:`hidden_state` is deprecated:FutureWarning",
    ),
]


@pytest.fixture(scope="module", params=chosen())
def commands(request, tmp_path_factory, num2words):
    """Runs a command on the family, in a folder with its model in `base` and its run in `fit`."""
    folder = tmp_path_factory.mktemp(request.param)
    base, config = save(folder / "base", request.param), runs.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        run = Commands(folder, patch)
        assert run("fit", "fit", f"--model.base={base}", config=config) == 0

        def command(name, *options):
            given = [f"--model.base={base}", f"--model.adapter={folder}/fit/adapter", *options]
            return run(name, name, *given, config=config)

        command.folder = folder
        yield command


def test_two_steps_are_learned_on_images_of_unlike_shapes(commands):
    with (commands.folder / "fit" / "metrics.csv").open() as file:
        norms = [float(row["grad_norm"]) for row in csv.DictReader(file) if row["grad_norm"]]
    assert len(norms) == 2
    assert min(norms) > 0


def test_it_validates_and_predicts_with_the_adapter(commands):
    photos = commands.folder / "photos" / "rose"
    assert commands("validate") == 0
    assert commands("predict", f"--data.images={photos}") == 0
    found = json.loads((commands.folder / "validate" / "results.json").read_text())
    assert found["datasets"]["noise"]["n"] == 2
    lines = (commands.folder / "predict" / "predictions.jsonl").read_text().splitlines()
    assert len(lines) == len(list(photos.iterdir())) == 2


def test_peft_puts_the_adapter_on_the_familys_own_class(commands):
    directory, adapter = commands.folder / "base", commands.folder / "fit" / "adapter"
    (kind,) = json.loads((directory / "config.json").read_text())["architectures"]
    base = getattr(transformers, kind).from_pretrained(directory)
    found = get_peft_model_state_dict(PeftModel.from_pretrained(base, adapter))
    saved = load_file(adapter / "adapter_model.safetensors")
    assert found.keys() == saved.keys()
    for name, tensor in saved.items():
        assert torch.equal(found[name], tensor)
        assert tensor.any(), f"{name} was not trained"
