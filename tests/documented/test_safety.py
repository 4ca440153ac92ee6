"""What docs/safety.md says of files of strangers."""

import os
import shutil

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
    words = ["fit", "--config", "configs/quickstart.yaml", "--run_dir", "X", *SMALLER["fit"]]
    code = '{class_path: os.system, init_args: {command: "touch ran"}}'
    with pytest.raises(Exception):  # noqa: B017, PT011  (whatever comes of what it is not)
        assert run_ours([*words, f"--model.reward={code}"], monkeypatch) == 0
    run_ours([*words, f"--model.optimizer={code}"], monkeypatch)


@pytest.mark.parametrize("command", ["fit", "validate"])
def test_a_checkpoint_that_would_run_code_is_refused(command, place_with_runs, monkeypatch, capsys):
    path = place_with_runs / "RUN" / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    torch.save({**checkpoint, "hyper_parameters": Runs("touch ran")}, "evil.ckpt")
    words = [command, "--config", "configs/quickstart.yaml", "--run_dir", "X", *SMALLER[command]]
    with pytest.raises(Exception, match="Weights only load failed"):
        assert run_ours([*words, "--ckpt_path", "evil.ckpt"], monkeypatch) == 0
    assert not (place_with_runs / "ran").exists()


def test_an_adapter_that_would_run_code_is_refused(place_with_runs, monkeypatch, capsys):
    folder = shutil.copytree(place_with_runs / "RUN" / "adapter", place_with_runs / "evil")
    (folder / "adapter_model.safetensors").unlink()
    torch.save({"a": Runs("touch ran")}, folder / "adapter_model.bin")
    words = ["validate", "--config", "configs/eval/world.yaml", *SMALLER["validate"]]
    with pytest.raises(Exception, match="Weights only load failed"):
        assert run_ours([*words, "--model.adapter", str(folder)], monkeypatch) == 0
    assert not (place_with_runs / "ran").exists()
