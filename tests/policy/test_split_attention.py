import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from speciarl_pl.policy.packing import RowLayout
from speciarl_pl.policy.split_attention import attend, row_blocks

from .test_parity import dense_mask

LAYOUTS = {
    "one_group": RowLayout((5,), (3, 3), (2,)),
    "one_completion": RowLayout((4,), (2,), (1,)),
    "one_token": RowLayout((1,), (1,), (1,)),
    "uneven": RowLayout((5, 2, 7), (3, 1, 4, 6, 2, 2), (2, 3, 1)),
    "even": RowLayout((4, 4), (3, 3, 3, 3), (2, 2)),
}


@pytest.mark.parametrize("key_heads", [1, 2, 4], ids=lambda n: f"{n}_key_heads")
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_equals_attention_under_a_dense_mask(layout, key_heads):
    length = sum(layout.prompts) + sum(layout.completions)
    draw = torch.Generator().manual_seed(0)
    shapes = [(4, length, 8), (key_heads, length, 8), (key_heads, length, 8)]
    dense = [torch.randn(shape, generator=draw).requires_grad_() for shape in shapes]
    split = [tensor.detach().clone().requires_grad_() for tensor in dense]

    repeated = [dense[0], *(x.repeat_interleave(4 // key_heads, 0) for x in dense[1:])]
    expected = scaled_dot_product_attention(*repeated, attn_mask=dense_mask(layout)[0], scale=0.3)
    found = attend(*split, row_blocks(layout, torch.device("cpu")), scale=0.3)

    assert found.shape == (length, 4, 8)
    assert torch.allclose(found.transpose(0, 1), expected, atol=1e-6)
    weights = torch.randn(expected.shape, generator=draw)
    (expected * weights).sum().backward()
    (found.transpose(0, 1) * weights).sum().backward()
    for one, other in zip(split, dense, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-6)
