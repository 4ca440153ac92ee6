"""Logits in float32 from 16-bit weights.

A 16-bit logit near 20 has a spacing of 0.125 in bfloat16. Rounded so, it puts up to 0.06 nats of
noise into every log-probability, and a few per cent into `1 - p` of a confident token. The sums
themselves are float32 on all devices; what is asked for here is that they are kept so.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

BLOCK_ELEMENTS = 2**20
"""Weights widened at a time where a device cannot do better: 4 MiB, which stay in a CPU's cache."""

_NARROW = (torch.bfloat16, torch.float16)


def wide_product(rows: Tensor, weight: Tensor) -> Tensor:
    """Product `rows @ weight.T`, in float32 where the weights are 16-bit.

    Args:
        rows: [m, H]; rounded to the type of the weights.
        weight: [V, H].

    Returns:
        [m, V], float32 or, for wider weights, of their type; autocast has no say in it.
    """
    with torch.autocast(weight.device.type, enabled=False):
        rows = rows.to(weight.dtype)
        if weight.dtype not in _NARROW:
            return rows @ weight.T
        if keeps_sums(weight.device.type, weight.dtype):
            return torch.mm(rows, weight.T, out_dtype=torch.float32)
        return _by_blocks(rows, weight)


@lru_cache
def keeps_sums(device: str, dtype: torch.dtype) -> bool:
    """Whether the device gives the float32 sums of a 16-bit product out; tried once.

    CUDA does (`out_dtype` of `torch.mm`; seen on an H200), torch's CPU build 2.13 does not. The
    tests, which have no GPU, run the CUDA way through a stand-in for `torch.mm`.
    """
    probe = torch.ones(16, 16, dtype=dtype, device=device)
    try:
        return torch.mm(probe, probe, out_dtype=torch.float32).dtype == torch.float32
    except (RuntimeError, TypeError):  # NotImplementedError is a RuntimeError
        return False


def _by_blocks(rows: Tensor, weight: Tensor) -> Tensor:
    """The product in float32, with a few of the weights widened at a time."""
    wide = rows.float()
    product = wide.new_empty(rows.shape[0], weight.shape[0])
    size = max(1, BLOCK_ELEMENTS // weight.shape[1])
    for start in range(0, weight.shape[0], size):
        block = weight[start : start + size].float()
        torch.mm(wide, block.T, out=product[:, start : start + size])
    return product


class WideLinear(nn.Linear):
    """A frozen linear layer with 16-bit weights and a float32 output."""

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to [..., H]; the gradient of the input is rounded once, at its end."""
        product: Tensor = _WideLinear.apply(input, self.weight)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias.float()


def widen_head(model: Any) -> None:
    """Let a model's frozen 16-bit head give float32 logits, to `generate` and plain rows too."""
    head = model.get_output_embeddings()
    if type(head) is nn.Linear and head.weight.dtype in _NARROW:
        head.__class__ = WideLinear


class _WideLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor) -> Tensor:
        assert not weight.requires_grad, "the head is frozen"
        ctx.save_for_backward(weight)
        ctx.dtype = input.dtype
        product = wide_product(input.reshape(-1, input.shape[-1]), weight)
        return product.view(*input.shape[:-1], weight.shape[0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        return (grad.to(weight.dtype) @ weight).to(ctx.dtype), None
