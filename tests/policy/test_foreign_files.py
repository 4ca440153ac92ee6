"""Files of strangers: models that bring code, adapters and checkpoints with odd contents."""

import json
import os
import shutil

import pytest
import torch
from peft.tuners.lora import LoraLayer
from transformers import AutoConfig

from speciarl_pl.errors import ModelError, RunError
from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.policy.weights.adapter_limits import check_numbers
from speciarl_pl.run.checkpoint import WholeCheckpointIO

from . import tiny

# ------------------------------------------------------------------------ code of a model

CODE = """
from pathlib import Path
Path(r"{ran}").touch()
from transformers import {base} as Base
class Odd(Base):
    model_type = "{kind}"
"""
BASES = {
    "AutoConfig": "PretrainedConfig",
    "AutoModelForImageTextToText": "PreTrainedModel",
    "AutoTokenizer": "PreTrainedTokenizerFast",
    "AutoImageProcessor": "BaseImageProcessor",
    "AutoProcessor": "ProcessorMixin",
}
FILES = (
    "config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
)


@pytest.fixture
def asked(monkeypatch):
    """Questions on the terminal, all answered by yes."""
    found = []
    monkeypatch.setattr("builtins.input", lambda text="": found.append(text) or "y")
    return found


@pytest.mark.parametrize("kind", ["known", "unknown"])
@pytest.mark.parametrize("family", ["qwen_dir", "llava_dir"])
def test_code_beside_a_model_is_never_run_and_never_asked_for(
    tmp_path, asked, request, kind, family
):
    folder, ran = tmp_path / "model", tmp_path / "ran"
    shutil.copytree(request.getfixturevalue(family), folder)
    for name, base in BASES.items():
        code = CODE.format(ran=ran, base=base, kind=kind)
        (folder / f"odd_{name.lower()}.py").write_text(code)
    auto_map = {name: f"odd_{name.lower()}.Odd" for name in BASES}
    for name in FILES:
        path = folder / name
        settings = json.loads(path.read_text()) if path.exists() else {}
        settings["auto_map"] = auto_map
        for each in ("tokenizer_class", "image_processor_type", "processor_class", "model_type"):
            if kind == "unknown" and (each in settings or name == "config.json"):
                settings[each] = "Odd"
        path.write_text(json.dumps(settings))
    if kind == "unknown":
        with pytest.raises(ModelError, match="comes as code of its own, which is not run"):
            load_policy(str(folder), lora=LoraSpec(r=2))
    else:
        load_policy(str(folder), lora=LoraSpec(r=2))
    assert asked == []
    assert not ran.exists()


def test_the_question_would_be_asked_and_the_code_run(tmp_path, asked, monkeypatch):
    """What the test above looks for is there without our `trust_remote_code=False`."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "hf"))
    folder, ran = tmp_path / "model", tmp_path / "ran"
    folder.mkdir()
    (folder / "odd.py").write_text(CODE.format(ran=ran, base="PretrainedConfig", kind="odd"))
    config = {"model_type": "odd", "auto_map": {"AutoConfig": "odd.Odd"}}
    (folder / "config.json").write_text(json.dumps(config))
    AutoConfig.from_pretrained(str(folder))
    assert len(asked) == 1
    assert ran.exists()


# ------------------------------------------------------------------------------- revisions


@pytest.fixture
def hub(tmp_path, qwen_dir, monkeypatch):
    """A cache of the hub with two revisions of a model, without a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub._is_offline_mode", True, raising=False)
    folder = tmp_path / "models--owner--name"
    (folder / "refs").mkdir(parents=True)
    for branch, commit in (("main", "a" * 40), ("v1", "b" * 40)):
        (folder / "refs" / branch).write_text(commit)
        shutil.copytree(qwen_dir, folder / "snapshots" / commit)
    config = folder / "snapshots" / ("b" * 40) / "config.json"
    settings = json.loads(config.read_text()) | {"pinned": "yes"}
    config.write_text(json.dumps(settings))
    return tmp_path


@pytest.mark.parametrize(
    ("revision", "found"), [("", None), ("@v1", "yes"), (f"@{'b' * 40}", "yes")], ids=str
)
def test_a_revision_is_what_is_loaded_and_what_is_kept(hub, revision, found, tmp_path):
    base = f"owner/name{revision}"
    policy = load_policy(base, lora=LoraSpec(r=2))
    assert getattr(policy.base.config, "pinned", None) == found
    assert policy.identity["base"] == base
    policy.save_adapter(tmp_path / "adapter")
    kept = json.loads((tmp_path / "adapter" / "speciarl_pl.json").read_text())
    assert kept["base"] == base


def test_a_revision_that_is_not_there_is_an_error(hub):
    with pytest.raises(ModelError, match="owner/name@v2: no such directory, and, as a hub id"):
        load_policy("owner/name@v2", lora=LoraSpec(r=2))


# -------------------------------------------------------------------------------- adapters


@pytest.fixture
def adapter(qwen_dir, tmp_path):
    tiny.stirred_policy(qwen_dir).save_adapter(tmp_path / "adapter")
    return tmp_path / "adapter"


HUGE = 10_000_000
ODD = {
    "r": ({"r": HUGE}, "r: expected a rank .* got 10000000"),
    "r_text": ({"r": "4"}, "r: expected a rank"),
    "r_zero": ({"r": 0}, "r: expected a rank"),
    "pattern": ({"rank_pattern": {"q_proj": HUGE}}, r"rank_pattern.q_proj: expected a rank"),
    "pattern_list": ({"rank_pattern": [HUGE]}, "rank_pattern.: expected a rank"),
    "alpha": ({"lora_alpha": float("nan")}, "lora_alpha: expected a finite number"),
    "alpha_huge": ({"lora_alpha": 1e30}, "lora_alpha: expected a finite number"),
    "alpha_text": ({"alpha_pattern": {"q_proj": "8"}}, "alpha_pattern.q_proj: expected a finite"),
    "kind": ({"peft_type": "IA3"}, "peft_type LORA, got 'IA3'"),
}


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_adapter_with_odd_numbers_is_refused_before_room_is_made(
    adapter, qwen_dir, monkeypatch, odd
):
    changes, expected = ODD[odd]
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    monkeypatch.setattr(LoraLayer, "update_layer", lambda *_: pytest.fail("room was made"))
    with pytest.raises(ModelError, match=expected):
        load_policy(qwen_dir, adapter=str(adapter))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 9999], ids=["cut", "list", "deep"])
def test_a_config_that_is_none_is_an_error(tmp_path, text):
    (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(ModelError, match=r"adapter_config\.json: "):
        check_numbers(str(tmp_path), {})


def test_a_rank_for_all_above_those_of_single_layers_is_none_of_them(tmp_path):
    settings = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "rank_pattern": {"q_proj": 4}}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    tensors = {"q_proj.lora_A.weight": torch.zeros(4, 9)}
    check_numbers(str(tmp_path), tensors)
    settings["r"] = 8 * 4 + 1
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=r"r: expected a rank that its tensors have \(up to 4\)"):
        check_numbers(str(tmp_path), tensors)


# ----------------------------------------------------------------------------- checkpoints


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["SPECIARL_TEST_RAN"],)


def test_a_checkpoint_that_brings_code_is_refused_and_not_run(tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    monkeypatch.setenv("SPECIARL_TEST_RAN", str(ran))
    torch.save({"state_dict": {}, "extra": Code()}, tmp_path / "a.ckpt")
    with pytest.raises(RunError, match=r"a\.ckpt: holds more than tensors and plain values"):
        WholeCheckpointIO().load_checkpoint(tmp_path / "a.ckpt")
    assert not ran.exists()
