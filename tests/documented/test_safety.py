"""What docs/safety.md says of files of strangers."""

import os
import shutil
from contextlib import suppress

import pytest
import torch

from .place import SMALLER, run_ours

pytestmark = pytest.mark.slow


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_configuration_is_code(place_with_runs, monkeypatch):
    (place_with_runs / "plugin.py").write_text("import os\n\ndef make(c): os.system(c)\n")
    monkeypatch.syspath_prepend(str(place_with_runs))
    words = ["fit", "--config", "configs/quickstart.yaml", "--run_dir", "X", *SMALLER["fit"]]
    code = '{class_path: plugin.make, init_args: {c: "touch ran"}}'
    with suppress(Exception):  # whatever comes of what is no optimiser
        run_ours([*words, f"--model.optimizer={code}"], monkeypatch)
    assert (place_with_runs / "ran").exists()


def test_the_plainest_ways_to_run_a_command_are_refused(place_with_runs, monkeypatch, capsys):
    words = ["fit", "--config", "configs/quickstart.yaml", "--run_dir", "X", *SMALLER["fit"]]
    code = '{class_path: os.system, init_args: {command: "touch ran"}}'
    assert run_ours([*words, f"--model.optimizer={code}"], monkeypatch) == 2
    assert "not allowed" in capsys.readouterr().err
    assert not (place_with_runs / "ran").exists()


@pytest.mark.parametrize("command", ["fit", "validate"])
def test_a_checkpoint_that_would_run_code_is_refused(command, place_with_runs, monkeypatch, capsys):
    path = place_with_runs / "RUN" / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    torch.save({**checkpoint, "hyper_parameters": Runs("touch ran")}, "evil.ckpt")
    words = [command, "--config", "configs/quickstart.yaml", "--run_dir", "X", *SMALLER[command]]
    assert run_ours([*words, "--ckpt_path", "evil.ckpt"], monkeypatch) == 1
    assert "could run code" in capsys.readouterr().err
    assert not (place_with_runs / "ran").exists()


def test_an_adapter_that_would_run_code_is_refused(place_with_runs, monkeypatch, capsys):
    folder = shutil.copytree(place_with_runs / "RUN" / "adapter", place_with_runs / "evil")
    (folder / "adapter_model.safetensors").unlink()
    torch.save({"a": Runs("touch ran")}, folder / "adapter_model.bin")
    words = ["validate", "--config", "configs/eval/world.yaml", *SMALLER["validate"]]
    assert run_ours([*words, "--model.adapter", str(folder)], monkeypatch) == 1
    assert "could run code" in capsys.readouterr().err
    assert not (place_with_runs / "ran").exists()
