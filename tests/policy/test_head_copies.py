"""No pass copies the head, which in 16 bit a CPU does once a row if asked in the wrong way."""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from speciarl_pl.callbacks import HFRolloutCallback
from speciarl_pl.module import SpeciaRLModule
from speciarl_pl.sampling import RolloutRequest, Sampling

from . import tiny

ROWS = 3


class Heads(TorchDispatchMode):
    """Notes products in which the head comes once for each row, and copies of it.

    `nn.Linear` of [rows, 1, hidden] that are a slice of a longer tensor, as the last token of each
    prompt is, becomes `bmm` with the weight expanded over the rows (stride 0), and the 16-bit
    kernel of a CPU copies what is expanded.
    """

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.shape = set(head.weight.shape)
        self.expanded: list[str] = []
        self.products = 0

    def __torch_dispatch__(self, called, types, args=(), kwargs=None):
        tensors = [one for one in args if isinstance(one, torch.Tensor)]
        name = called.overloadpacket.__name__
        of_head = [one for one in tensors if self.shape <= set(one.shape[-2:])]
        if name in ("mm", "addmm", "bmm", "linear") and of_head:
            self.products += 1
        if any(one.dim() == 3 and one.shape[0] > 1 for one in of_head):
            self.expanded.append(name)
        return called(*args, **(kwargs or {}))


def expanded_in(policy, work):
    """Operations on a head that is there once a row while `work` is done."""
    with Heads(policy.base.get_output_embeddings()) as seen:
        work()
    return seen


def draw(policy):
    module = SpeciaRLModule()
    module.policy = policy
    sample = tiny.sample()
    request = RolloutRequest(sample, policy.encode(sample), tuple(range(ROWS)))
    HFRolloutCallback().draw(module, [request], Sampling(max_new_tokens=2))


@pytest.fixture(
    params=[("qwen_dir", "shared"), ("qwen_dir", "plain"), ("llava_dir", "plain")],
    ids=lambda one: "_".join(one),
    scope="module",
)
def policy(request):
    directory, rows = request.param
    return tiny.stirred_policy(request.getfixturevalue(directory), rows=rows, dtype="bfloat16")


def test_generate_multiplies_by_the_head_where_it_lies(policy):
    seen = expanded_in(policy, lambda: draw(policy))
    assert seen.products
    assert seen.expanded == []


def test_scores_and_their_gradient_multiply_by_the_head_where_it_lies(policy):
    groups = [tiny.group(policy, tiny.sample(), [3, 2, 4])]

    def update():
        policy.score(groups).logprobs.sum().backward()
        policy.score(groups, reference=True)

    seen = expanded_in(policy, update)
    assert seen.products
    assert seen.expanded == []
    policy.zero_grad()


def test_what_is_looked_for_is_found_in_a_head_as_transformers_makes_it(policy):
    head = policy.base.get_output_embeddings()
    kind = type(head)
    head.__class__ = nn.Linear
    try:
        seen = expanded_in(policy, lambda: draw(policy))
    finally:
        head.__class__ = kind
    assert "bmm" in seen.expanded
