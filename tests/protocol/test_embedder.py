import builtins
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from protocol.real_models import encoder_folder, needs_encoder

from speciarl_pl.errors import MissingExtraError
from speciarl_pl.older_protocol import similarities as module
from speciarl_pl.older_protocol.similarities import Embedder

TEXTS = ["a dog", "Samoyed", "", "a dog", "犬", "Boeing 707-320 " * 200]


def plain_embedding(text):
    """MiniLM by hand: mean of the last hidden states of up to 256 tokens, at length 1."""
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(encoder_folder())
    model = AutoModel.from_pretrained(encoder_folder())
    limit = json.loads(Path(encoder_folder(), "sentence_bert_config.json").read_text())
    given = tokens(text, return_tensors="pt", truncation=True, max_length=limit["max_seq_length"])
    with torch.no_grad():
        pooled = model(**given).last_hidden_state[0].mean(0).numpy()
    return pooled / np.linalg.norm(pooled)


@needs_encoder
@pytest.mark.slow
def test_the_real_encoder_equals_the_model_by_hand(embedder):
    found = embedder.encode(TEXTS)
    assert (found.shape, found.dtype, found.device.type) == ((6, 384), torch.float32, "cpu")
    assert found[0].equal(found[3])
    for text, row in zip(TEXTS, found.numpy(), strict=True):
        assert row / np.linalg.norm(row) == pytest.approx(plain_embedding(text), abs=1e-5)


@needs_encoder
@pytest.mark.slow
def test_what_is_alike_is_near(embedder):
    dog, puppy, plane = torch.nn.functional.normalize(
        embedder.encode(["dog", "puppy", "airliner"]), dim=1
    )
    assert dog @ puppy > 0.6 > 0.4 > dog @ plane


@needs_encoder
@pytest.mark.slow
def test_no_texts(embedder):
    assert embedder.encode([]).shape == (0, 384)


class Counting:
    """Stands for the model where only the calls count."""

    def __init__(self, gpu_holds=100):
        self.calls, self.device, self.devices, self.gpu_holds = [], "cpu", [], gpu_holds

    def to(self, device):
        self.device = device
        return self

    def encode(self, texts, **options):
        if self.device == "cuda" and len(texts) > self.gpu_holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.calls.append(list(texts))
        self.devices.append(self.device)
        return torch.tensor([[float(len(text))] for text in texts], dtype=torch.float16)

    def get_embedding_dimension(self):
        return 1


@pytest.fixture
def counting(monkeypatch):
    model = Counting()
    monkeypatch.setattr(module, "_load", lambda encoder: model)
    return model


def test_each_text_is_encoded_once(counting):
    found = Embedder("any").encode(["aa", "b", "aa", "aa", "ccc"])
    assert counting.calls == [["aa", "b", "ccc"]]
    assert found.flatten().tolist() == [2.0, 1.0, 2.0, 2.0, 3.0]
    assert found.dtype == torch.float32


def test_a_gpu_is_used_and_left_again(counting, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    Embedder("any").encode(["a", "b"])
    assert (counting.devices, counting.device) == (["cuda"], "cpu")


def test_a_full_gpu_leaves_it_to_the_cpu(counting, monkeypatch, caplog):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    counting.gpu_holds = 1
    assert Embedder("any").encode(["a", "bb"]).flatten().tolist() == [1.0, 2.0]
    assert (counting.devices, counting.device) == (["cpu"], "cpu")
    assert "no room for any on the GPU" in caplog.text


def test_the_package_is_named_if_it_is_absent(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'speciarl_pl\[similarity\]'"):
        Embedder().load()


def test_no_heavy_import_before_it_is_needed(monkeypatch):
    def refuse(name, *rest, real=builtins.__import__, **options):
        assert not name.startswith("sentence_transformers")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    Embedder()


@pytest.mark.parametrize("encoder", ["", "  "])
def test_a_blank_name(encoder):
    with pytest.raises(ValueError, match="encoder: expected the name or path of a model"):
        Embedder(encoder)


@needs_encoder
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["empty folder", "file", "no folder", "not on the hub"])
def test_a_model_that_is_none(kind, tmp_path, no_hub):
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.txt").write_text("x")
    encoder = {
        "empty folder": str(tmp_path / "empty"),
        "file": str(tmp_path / "model.txt"),
        "no folder": str(tmp_path / "none"),
        "not on the hub": "nobody-at-all/no-such-model",
    }[kind]
    with pytest.raises(ValueError, match=r"^encoder: expected a model .*; without a network give"):
        Embedder(encoder).load()
