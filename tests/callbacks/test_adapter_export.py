from types import SimpleNamespace

import pytest
import runs
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from transformers import AutoModelForImageTextToText

from speciarl_pl.callbacks import AdapterExport
from speciarl_pl.engine.generate import _generate
from speciarl_pl.errors import RunError
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.policy.base_model import quiet
from speciarl_pl.policy.rows.inputs import row_inputs
from speciarl_pl.records import Sample
from speciarl_pl.sampling import RolloutRequest, Sampling
from speciarl_pl.world import base_path, draw, world_specs


@pytest.fixture
def module():
    module = SpeciaRLModule()
    module.policy = runs.world_policy()
    module.batches_trained = module.batches_learned = 1
    return module


def trainer_in(folder):
    return SimpleNamespace(default_root_dir=str(folder), is_global_zero=True, world_size=1)


def answers(policy, requests):
    with torch.no_grad():
        groups = _generate(policy, requests, Sampling(temperature=0.0, max_new_tokens=24))
    return [group.rollouts[0].tokens.tolist() for group in groups]


def test_it_reloads_with_plain_peft_and_gives_the_same_greedy_answers(tmp_path, module):
    AdapterExport().on_train_end(trainer_in(tmp_path), module)
    policy = module.loaded_policy
    specs = world_specs("all", 6, 3)
    samples = [Sample(s.id, "w", s.truth, "What is it?", draw(s)) for s in specs]
    prompts = [policy.encode(sample) for sample in samples]
    requests = [RolloutRequest(s, p, (0,)) for s, p in zip(samples, prompts, strict=True)]
    ours = answers(policy, requests)

    with quiet():
        base = AutoModelForImageTextToText.from_pretrained(base_path(), dtype=torch.float32)
    plain = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    inputs = row_inputs(base, prompts, pad_token_id=policy.pad_token_id)
    options = {"do_sample": False, "max_new_tokens": 24, "eos_token_id": policy.eos_token_ids}
    theirs = plain.generate(**inputs, **options, pad_token_id=policy.pad_token_id)
    theirs = theirs[:, inputs["input_ids"].shape[1] :].tolist()
    assert [their[: len(our)] for their, our in zip(theirs, ours, strict=True)] == ours
    with policy.model.disable_adapter():
        assert answers(policy, requests) != ours, "the adapter matters"


def test_an_exception_writes_what_was_trained(tmp_path, module):
    export, trainer = AdapterExport(), trainer_in(tmp_path)
    export.on_exception(trainer, module, RuntimeError())
    assert (tmp_path / "adapter/adapter_model.safetensors").exists()


@pytest.mark.parametrize("event", ["on_train_end", "on_exception"])
def test_what_never_learned_is_not_written_and_that_is_said(tmp_path, module, capsys, event):
    module.batches_trained, module.batches_learned = 3, 0
    error = [RuntimeError()] if event == "on_exception" else []
    getattr(AdapterExport(), event)(trainer_in(tmp_path), module, *error)
    assert not list(tmp_path.iterdir())
    said = capsys.readouterr().err
    assert said == f"{tmp_path / 'adapter'} was not written: 3 batches taught nothing to keep\n"


def test_an_exception_before_the_policy_is_loaded_stays_what_it_is(tmp_path):
    AdapterExport().on_exception(trainer_in(tmp_path), SpeciaRLModule(), RuntimeError())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_older_adapter(tmp_path, module, monkeypatch):
    export, trainer = AdapterExport(), trainer_in(tmp_path)
    export.on_train_end(trainer, module)
    file = tmp_path / "adapter/adapter_model.safetensors"
    before = file.read_bytes()
    monkeypatch.setattr(module.loaded_policy, "save_adapter", _half)
    with pytest.raises(RunError, match=r"adapter: cannot be written \(No space left"):
        export.on_train_end(trainer, module)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def _half(directory):
    (directory / "adapter_model.safetensors").write_bytes(b"half")
    raise OSError(28, "No space left on device")


def test_a_directory_of_ones_own(tmp_path, module):
    AdapterExport(str(tmp_path / "there")).on_train_end(trainer_in(tmp_path), module)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_its_card_is_ours_and_names_base_and_steps(tmp_path, module):
    AdapterExport().on_exception(trainer_in(tmp_path), module, RuntimeError())
    text = (tmp_path / "adapter/README.md").read_text()
    assert ModelCard(text).data.library_name == "peft"
    assert "SpeciaRL adapter for the built-in base" in text
    assert "| training steps | 1 |" in text
    assert "This adapter has not been validated" in text
    assert "The training did not end by itself: RuntimeError" in text
    assert "[More Information Needed]" not in text, "PEFT's card is empty"
