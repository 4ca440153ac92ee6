import gc
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftConfig
from safetensors.torch import load_file

from speciarl_pl.engine import adapter_store as store_module
from speciarl_pl.engine.adapter_store import AdapterStore
from speciarl_pl.errors import ModelError, RolloutError

CONFIG = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"])
STATE = {"a.q_proj.lora_A.weight": torch.ones(4, 3), "a.q_proj.lora_B.weight": torch.ones(3, 4)}


@pytest.fixture
def store(tmp_path):
    return AdapterStore(tmp_path / "new" / "folder")


def test_versions_are_numbered_and_named_anew_and_in_peft_format(store):
    first, second = store.write(STATE, CONFIG), store.write(STATE, CONFIG)
    assert (first.number, second.number) == (1, 2)
    assert first.name != second.name
    assert first.path != second.path
    assert torch.equal(
        load_file(second.path / "adapter_model.safetensors")["a.q_proj.lora_A.weight"],
        STATE["a.q_proj.lora_A.weight"],
    )
    assert PeftConfig.from_pretrained(str(second.path)).r == 4


def test_a_version_that_is_not_finite_is_not_written(store):
    name = "a.q_proj.lora_B.weight"
    spoilt = STATE | {name: STATE[name] / 0}
    with pytest.raises(ModelError, match=f"adapter: .*infinite: {name}; it is not pushed"):
        store.write(spoilt, CONFIG)
    assert not list(store.folder.iterdir())


def test_two_runs_never_share_a_name(store, tmp_path):
    other = AdapterStore(tmp_path)
    assert store.write(STATE, CONFIG).name != other.write(STATE, CONFIG).name


def test_removed_and_closed_versions_leave_no_files(store):
    first, second = store.write(STATE, CONFIG), store.write(STATE, CONFIG)
    store.remove(first)
    assert not first.path.exists()
    assert second.path.exists()
    store.close()
    assert not store.folder.exists()


def test_a_forgotten_store_leaves_no_files(tmp_path):
    folder = AdapterStore(tmp_path).folder
    gc.collect()
    assert not folder.exists()


def test_memory_is_the_first_choice(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "_MEMORY", tmp_path)
    assert store_module.default_parent() == tmp_path
    monkeypatch.setattr(store_module, "_MEMORY", tmp_path / "none")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/elsewhere")
    assert store_module.default_parent() == Path("/elsewhere")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RolloutError, match=r"adapter_dir: .*file/below: cannot be written to"):
        AdapterStore(tmp_path / "file" / "below")


def test_a_folder_that_went_away_is_named(store):
    store.close()
    with pytest.raises(RolloutError, match=r"cannot be written .*adapter_dir"):
        store.write(STATE, CONFIG)
