import pytest
import torch
from torch import nn

from speciarl_pl.policy import LoraSpec, load_policy
from speciarl_pl.policy.rows import wide
from speciarl_pl.policy.rows.wide import WideLinear, keeps_sums, wide_product, widen_head

from . import tiny


def matrices(dtype=torch.bfloat16, rows=5, hidden=64, vocabulary=130):
    draw = torch.Generator().manual_seed(0)
    left = torch.randn(rows, hidden, generator=draw)
    return left.to(dtype), (4 * torch.randn(vocabulary, hidden, generator=draw)).to(dtype)


@pytest.fixture
def without_sums(monkeypatch):
    """As on a device that gives no float32 sums out, such as this CPU."""
    monkeypatch.setattr(wide, "keeps_sums", lambda device, dtype: False)


@pytest.fixture
def with_sums(monkeypatch):
    """As on CUDA: a stand-in for the one call that a CPU may not have."""
    asked, product = [], torch.mm

    def mm(left, right, out_dtype=None, out=None):
        if out_dtype is None:
            return product(left, right, out=out)
        assert left.dtype == right.dtype == torch.bfloat16
        asked.append(out_dtype)
        return product(left.to(out_dtype), right.to(out_dtype))

    monkeypatch.setattr(torch, "mm", mm)
    monkeypatch.setattr(wide, "keeps_sums", keeps_sums.__wrapped__)
    return asked


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
@pytest.mark.parametrize("elements", [1, 64 * 7, 2**20], ids=lambda n: f"blocks_of_{n}")
def test_16_bit_weights_give_float32_sums_by_blocks(without_sums, monkeypatch, dtype, elements):
    monkeypatch.setattr(wide, "BLOCK_ELEMENTS", elements)
    left, right = matrices(dtype)
    found, wanted = wide_product(left, right), left.double() @ right.double().T
    assert found.dtype == torch.float32
    assert (found - wanted).abs().max() < 1e-6 * wanted.abs().max()
    assert (left @ right.T - wanted).abs().max() > 1e-4 * wanted.abs().max()


def test_a_device_that_keeps_its_sums_is_asked_for_them(with_sums):
    left, right = matrices()
    found, wanted = wide_product(left, right), left.double() @ right.double().T
    assert with_sums == [torch.float32] * 2, "the probe, and the product"
    assert (found - wanted).abs().max() < 1e-6 * wanted.abs().max()


def test_whether_this_device_keeps_its_sums_can_be_asked():
    assert keeps_sums("cpu", torch.bfloat16) in (True, False)


def test_wider_weights_keep_their_type_whatever_autocast_says():
    left, right = matrices(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = wide_product(left.bfloat16(), right)
    assert torch.equal(found, left.bfloat16().float() @ right.T)
    assert wide_product(left, right.double()).dtype == torch.float64


@pytest.mark.parametrize("bias", [False, True], ids=["no_bias", "bias"])
def test_a_wide_layer_is_its_layer_but_for_the_rounding(bias):
    left, right = matrices()
    layer = nn.Linear(64, 130, bias=bias, dtype=torch.bfloat16).requires_grad_(False)
    layer.weight.copy_(right)
    model = nn.Module()
    model.get_output_embeddings = lambda: layer
    widen_head(model)
    assert isinstance(layer, WideLinear)
    states = left[None].clone().requires_grad_()
    found = layer(states)
    exact = states.detach().double().requires_grad_()
    wanted = nn.functional.linear(exact, right.double(), layer.bias.double() if bias else None)
    assert found.dtype == torch.float32
    assert (found - wanted).abs().max() < 1e-6 * wanted.abs().max()
    mix = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    (found * mix).sum().backward()
    (wanted * mix).sum().backward()
    assert states.grad.dtype == torch.bfloat16
    assert (states.grad - exact.grad).norm() < 1e-2 * exact.grad.norm()


@pytest.mark.parametrize(
    ("dtype", "kind"), [("bfloat16", WideLinear), ("float32", nn.Linear)], ids=str
)
def test_the_head_of_a_16_bit_base_is_widened_and_no_other_layer(qwen_dir, dtype, kind):
    policy = load_policy(qwen_dir, lora=LoraSpec(r=2), dtype=dtype)
    wide_layers = [n for n, m in policy.base.named_modules() if isinstance(m, WideLinear)]
    assert wide_layers == (["lm_head"] if kind is WideLinear else [])
    assert type(policy.base.get_output_embeddings()) is kind


def test_the_logits_of_plain_rows_and_of_the_sampler_are_float32(llava_dir):
    policy = tiny.stirred_policy(llava_dir, rows="plain", dtype="bfloat16")
    made = tiny.group(policy, tiny.sample(), [3])
    seen = []
    policy.base.lm_head.register_forward_hook(lambda *call: seen.append(call[-1].dtype))
    policy.score(policy.lay_out([made]))
    assert seen == [torch.float32]
