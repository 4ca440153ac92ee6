import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, ResNetConfig
from transformers.utils import logging

from speciarl_pl.errors import ModelError
from speciarl_pl.policy import load_policy
from speciarl_pl.policy.base_model import quiet, resolve, vlm_config

from . import tiny


def empty(path):
    path.mkdir()


def weights_only(path):
    path.mkdir()
    torch.save({}, path / "model.pt")


def text_only(path):
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=1,
        eos_token_id=2,
    )
    with quiet():
        LlamaForCausalLM(config).save_pretrained(path)


def cnn(path):
    ResNetConfig().save_pretrained(path)


def unreadable(path):
    path.mkdir()
    (path / "config.json").write_text("{ not json")


def typeless(path):
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"hidden_size": 8}))


def adapter_only(path):
    path.mkdir()
    (path / "adapter_config.json").write_text("{}")


def a_file(path):
    path.write_text("hello")


BAD = {
    "no such directory": lambda path: None,
    "an empty directory": empty,
    "only model.pt": weights_only,
    "type 'llama'": text_only,
    "type 'resnet'": cnn,
    "no readable model config": [unreadable, typeless],
    "This is an adapter": adapter_only,
    "a file, not a directory": a_file,
}
CASES = [
    pytest.param(found, make, id=getattr(make, "__name__", "missing"))
    for found, makers in BAD.items()
    for make in (makers if isinstance(makers, list) else [makers])
]


@pytest.mark.parametrize(("found", "make"), CASES)
def test_a_path_that_is_not_a_vlm_is_named_with_what_was_found(tmp_path, found, make):
    path = tmp_path / "base"
    make(path)
    with pytest.raises(ModelError) as raised:
        load_policy(str(path))
    message = str(raised.value)
    assert message.startswith(str(path))
    assert found in message
    assert "needed: a vision-language model" in message


def test_a_hub_id_that_cannot_be_fetched_gives_the_cause(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"someone/some-vlm: no such directory, .* config: .+"):
        load_policy("someone/some-vlm")


def test_a_model_that_comes_as_code_is_refused_without_asking_for_leave_to_run_it(tmp_path):
    """As InternVL's first repositories, or MiniCPM-V."""
    code = {"AutoConfig": "configuration_internvl_chat.InternVLChatConfig"}
    config = {"model_type": "internvl_chat", "auto_map": code}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"code of its own, which is not run; .* named \.\.\.-hf"):
        vlm_config(str(tmp_path))


def test_missing_weights_are_named(tmp_path):
    tiny.save_qwen(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=f"{tmp_path}: the weights cannot be loaded"):
        load_policy(str(tmp_path))


def test_weights_that_leave_a_layer_random_are_refused(tmp_path):
    tiny.save_qwen(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"] |= {"num_hidden_layers": 4, "layer_types": ["full_attention"] * 4}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"weights are missing .*layers\.3"):
        load_policy(str(tmp_path))


@pytest.mark.parametrize("name", ["tokenizer.json", "processor_config.json"])
def test_a_missing_processor_file_is_reported(tmp_path, name):
    tiny.save_qwen(tmp_path)
    files = {file.name for file in tmp_path.iterdir()}
    gone = files & {name, name.replace("processor_config", "preprocessor_config")}
    assert gone
    for file in gone:
        (tmp_path / file).unlink()
    with pytest.raises(ModelError, match=f"{tmp_path}: "):
        load_policy(str(tmp_path))


def test_a_tokenizer_without_a_chat_template_is_reported(tmp_path):
    tiny.save_qwen(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="nor tokenizer has a chat template"):
        load_policy(str(tmp_path))


def test_quiet_restores_what_it_found():
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with quiet():
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_missing_relative_folder_is_called_so(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"runs/nothing: no such directory"):
        load_policy("runs/nothing")


def test_world_is_a_folder_of_the_package():
    assert resolve("world").endswith("speciarl_pl/world/base")
    assert resolve("org/name") == "org/name"


def test_a_directory_is_given_with_its_full_path(tmp_path, monkeypatch):
    (tmp_path / "models" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    full = str(tmp_path / "models" / "x")
    assert resolve("models/x") == resolve("./models/x") == resolve("~/models/x") == full
    assert resolve(full) == full
    assert resolve("models/y") == "models/y", "it may be a hub id"
    assert resolve("~/y") == str(tmp_path / "y")
    assert Path(resolve("world")).is_absolute()
