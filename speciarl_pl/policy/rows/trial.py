"""Whether a policy can score on shared-prefix rows: tried when it is loaded, not looked up.

A language model can if it computes a row with our attention as it computes rows of their own. So
an image is run up to it, to see that all it is given are embeddings, positions and nothing that
rows lack; and a few short texts are scored in both ways. Windows, masks of its own, attention to
images from within, frequencies that follow the length, another head: whatever differs shows there.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import torch
from PIL import Image
from torch import Tensor

from speciarl_pl.policy.base_model import quiet
from speciarl_pl.policy.policy import Policy
from speciarl_pl.policy.rows.decoders import DecoderCall, decoder_call, image_token_id, row_limit
from speciarl_pl.policy.rows.inputs import row_inputs
from speciarl_pl.policy.rows.packing import pack
from speciarl_pl.policy.rows.shared_rows import fits, prepare, say_once
from speciarl_pl.policy.rows.vision import DEEPSTACK
from speciarl_pl.policy.spec import RowKind
from speciarl_pl.records import EncodedPrompt, Rollout, RolloutGroup, Sample

_TRIAL: Final = Sample(
    id="trial",
    dataset="trial",
    truth="",
    prompt="What is the object in this image, and of which kind is it?",
    image=Image.new("RGB", (64, 48), (200, 30, 90)),
)
_EXACT: Final = 1e-3
"""Nats that the two ways may differ by at most with a float32 base; seen: 2e-6."""
_ROUNDED: Final = 0.1
"""Nats by which the median token may differ with a 16-bit base, which rounds in every layer. What
is wrong with a row shows in what its layers are given long before it shows here."""

_PASSED: Final[set[str]] = set()
"""Kinds of models that have passed in this process; weights and adapters have no say in it."""


def choose_rows(policy: Policy, asked: RowKind) -> Literal["shared", "plain"]:
    """Shared rows where they are asked for or allowed, and possible; prepares the model for them.

    Raises:
        ValueError: If they are asked for and not possible.
    """
    if asked == "plain":
        return "plain"
    config = policy.base.get_decoder().config
    before = config._attn_implementation
    prepare(policy.base)
    kind = _kind(policy)
    reason = None if kind in _PASSED else obstacle(policy)
    if reason is None:
        _PASSED.add(kind)
        return "shared"
    config._attn_implementation = before
    if asked == "shared":
        raise ValueError(f"rows: expected plain or auto, got shared; {policy.base_name}: {reason}")
    say_once(f"{policy.base_name}: every rollout is scored in a row of its own: {reason}")
    return "plain"


def obstacle(policy: Policy) -> str | None:
    """Why a policy cannot score on shared-prefix rows; None if it can."""
    rows = policy.rows
    try:
        with _unseen(), torch.no_grad(), policy.evaluating(), policy.autocast():
            prompt = policy.encode(_TRIAL)
            return _in_its_call(policy, prompt) or _in_its_scores(policy, prompt)
    except Exception as error:  # whatever a model raises at rows that it was not made for
        return str(error).partition("\n")[0] or type(error).__name__
    finally:
        policy.rows = rows


@contextmanager
def _unseen() -> Iterator[None]:
    """Keep what a model has to warn of for where it is used."""
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        yield


def _kind(policy: Policy) -> str:
    """Class, full config and number format of a policy's base."""
    config = policy.base.config.to_json_string(use_diff=False)
    return f"{type(policy.base)} {policy.compute_dtype} {config}"


def _in_its_call(policy: Policy, prompt: EncodedPrompt) -> str | None:
    """What a model hands to its language model that a shared-prefix row does not have."""
    group = _group(prompt, [_text(policy, prompt)[-2:]])
    if not fits(policy.base, [group]) and (limit := row_limit(policy.base)):
        return limit.reason
    row = pack(policy.base, [group], torch.device("cpu"))
    completion = group.rollouts[0].tokens
    inputs = row_inputs(policy.base, [prompt], [completion], pad_token_id=policy.pad_token_id)
    call = decoder_call(policy.base, inputs)
    if unknown := sorted(set(call.extra) - set(DEEPSTACK)):
        return f"its language model takes {', '.join(unknown)} too"
    if not (call.mask is None or (isinstance(call.mask, Tensor) and call.mask.dim() == 2)):
        return "it masks attention in a way of its own"
    if not _counts_as(call, row.positions):
        return "it counts positions in a way of its own"
    own = policy.base.get_decoder().get_input_embeddings()(inputs["input_ids"])
    replaced = (call.embeds != own).any(-1).cpu()
    if not row.image_mask.any() or not torch.equal(replaced, row.image_mask):
        return "it puts image features elsewhere than at its image tokens"
    return None


def _counts_as(call: DecoderCall, positions: Tensor) -> bool:
    """Whether a model gives its tokens these positions [1, L] or [3, 1, L]."""
    if call.positions is None:  # then the language model counts from 0 on
        return positions.dim() == 2
    found = call.positions.cpu()
    if found.dim() == 3 and positions.dim() == 3:
        return torch.equal(found[-len(positions) :].expand_as(positions), positions)
    return found.dim() == positions.dim() and torch.equal(found.expand_as(positions), positions)


def _in_its_scores(policy: Policy, prompt: EncodedPrompt) -> str | None:
    """By how much short texts are scored otherwise on shared rows, if by too much."""
    text = _text(policy, prompt)[-10:]  # enough to tell; more takes a 7B model long on a CPU
    groups = [
        _group(_of_text(prompt, text[:-4]), [text[-4:], text[-4:-3]]),
        _group(_of_text(prompt, text[1:-2]), [text[-2:]]),
    ]
    shared, plain = (_logprobs(policy, rows, groups) for rows in ("shared", "plain"))
    gaps = (shared - plain).abs()
    exact = policy.compute_dtype.itemsize >= torch.float32.itemsize
    gap, allowed = (gaps.max(), _EXACT) if exact else (gaps.median(), _ROUNDED)
    if gap <= allowed:  # false with NaN
        return None
    return f"on shared rows its log-probabilities differ by {gap:.2g} nats"


def _logprobs(
    policy: Policy, rows: Literal["shared", "plain"], groups: Sequence[RolloutGroup]
) -> Tensor:
    policy.rows = rows
    scores = policy.score(policy.lay_out(groups), entropy=False)
    return scores.logprobs[scores.mask]


def _text(policy: Policy, prompt: EncodedPrompt) -> Tensor:
    """The prompt's tokens, int64 [n], without what stands for the image."""
    apart = torch.tensor([*policy.banned_token_ids, image_token_id(policy.base)])
    return prompt.input_ids[~torch.isin(prompt.input_ids, apart)]


def _of_text(prompt: EncodedPrompt, tokens: Tensor) -> EncodedPrompt:
    """A prompt without an image."""
    nothing = torch.zeros_like(tokens)
    return EncodedPrompt(tokens, nothing, {}, dict.fromkeys(prompt.per_token, nothing))


def _group(prompt: EncodedPrompt, completions: Sequence[Tensor]) -> RolloutGroup:
    rollouts = (
        Rollout(tokens, torch.zeros(len(tokens)), "", "length", 0) for tokens in completions
    )
    return RolloutGroup(_TRIAL, prompt, tuple(rollouts))
