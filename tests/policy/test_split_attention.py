import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from speciarl_pl.policy.rows.packing import RowLayout, row_index
from speciarl_pl.policy.rows.split_attention import attend, row_blocks

from .exact import gap as relative_gap
from .test_parity import dense_mask

LAYOUTS = {
    "one_group": RowLayout((5,), (3, 3), (2,)),
    "one_completion": RowLayout((4,), (2,), (1,)),
    "one_token": RowLayout((1,), (1,), (1,)),
    "uneven": RowLayout((5, 2, 7), (3, 1, 4, 6, 2, 2), (2, 3, 1)),
    "even": RowLayout((4, 4), (3, 3, 3, 3), (2, 2)),
}


@pytest.mark.parametrize(
    ("dtype", "gap"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)], ids=["float32", "bfloat16"]
)
@pytest.mark.parametrize("key_heads", [1, 2, 4], ids=lambda n: f"{n}_key_heads")
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_equals_float64_attention_under_a_dense_mask(layout, key_heads, dtype, gap):
    """To this share of the output and of each gradient."""
    length = sum(layout.prompts) + sum(layout.completions)
    draw = torch.Generator().manual_seed(0)
    shapes = [(4, length, 8), (key_heads, length, 8), (key_heads, length, 8)]
    split = [torch.randn(shape, generator=draw).to(dtype).requires_grad_() for shape in shapes]
    dense = [tensor.detach().double().requires_grad_() for tensor in split]

    repeated = [dense[0], *(x.repeat_interleave(4 // key_heads, 0) for x in dense[1:])]
    expected = scaled_dot_product_attention(*repeated, attn_mask=dense_mask(layout)[0], scale=0.3)
    found = attend(*split, row_blocks(row_index(layout, torch.device("cpu"))), scale=0.3)

    assert found.shape == (length, 4, 8)
    assert relative_gap(found.transpose(0, 1), expected) < gap
    weights = torch.randn(expected.shape, generator=draw)
    (expected * weights).sum().backward()
    (found.transpose(0, 1) * weights).sum().backward()
    for one, other in zip(split, dense, strict=True):
        assert relative_gap(one.grad, other.grad) < gap
