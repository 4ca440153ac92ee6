"""The one place where rollouts come in: what an engine gives is checked against its contract."""

from collections.abc import Sequence

import torch

from speciarl_pl.contracts import breach, described
from speciarl_pl.engine.engine import Engine, check_prompt
from speciarl_pl.errors import RolloutError
from speciarl_pl.records import Rollout, RolloutGroup
from speciarl_pl.sampling import RolloutRequest


def check_groups(
    engine: Engine,
    requests: Sequence[RolloutRequest],
    groups: Sequence[RolloutGroup],
    banned_token_ids: Sequence[int] = (),
) -> None:
    """Make sure that every request has its group, and every group its prompt and its rollouts.

    Args:
        engine: What was asked, for the message.
        requests: What it was asked.
        groups: What it gave.
        banned_token_ids: What the policy never says.

    Raises:
        RolloutError: Naming the class, what was expected and what came.
    """
    if not isinstance(groups, list) or not all(isinstance(one, RolloutGroup) for one in groups):
        _refuse(engine, f"a list of {len(requests)} RolloutGroup", described(groups))
    rollouts = [rollout for group in groups for rollout in group.rollouts]
    if odd := [one for one in rollouts if not isinstance(one, Rollout)]:
        _refuse(engine, "Rollout in RolloutGroup.rollouts", described(odd[0]))
    wanted = [(request.sample.id, request.seeds) for request in requests]
    got = [(group.sample.id, tuple(r.seed for r in group.rollouts)) for group in groups]
    if wanted != got:
        raise RolloutError(
            f"{type(engine).__name__}: the engine returned {len(got)} groups that do not match the "
            f"{len(wanted)} requested{_first_difference(wanted, got)}"
        )
    for request, group in zip(requests, groups, strict=True):
        if group.prompt is not request.prompt:
            check_prompt(request, group.prompt.input_ids.tolist())
    for rollout in rollouts:
        _check_rollout(engine, rollout)
        if banned := set(rollout.tokens.tolist()) & set(banned_token_ids):
            raise RolloutError(f"the engine drew the banned tokens {sorted(banned)}")


def _check_rollout(engine: Engine, rollout: Rollout) -> None:
    tokens, logprobs = rollout.tokens, rollout.logprobs
    if not _is_row(tokens, torch.int64) or not len(tokens):
        _refuse(engine, "Rollout.tokens an int64 tensor [T], T >= 1, on the CPU", described(tokens))
    if not _is_row(logprobs, torch.float32) or len(logprobs) != len(tokens):
        expected = f"Rollout.logprobs a float32 tensor [{len(tokens)}] on the CPU"
        _refuse(engine, expected, described(logprobs))
    if logprobs.isnan().any() or (logprobs > 1e-3).any():
        _refuse(engine, "Rollout.logprobs of at most 0", f"{logprobs.tolist()[:5]}")
    if not isinstance(rollout.text, str):
        _refuse(engine, "Rollout.text a str", described(rollout.text))
    if rollout.finish_reason not in ("stop", "length"):
        _refuse(engine, "Rollout.finish_reason stop or length", described(rollout.finish_reason))


def _is_row(value: object, dtype: torch.dtype) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.dtype == dtype
        and value.dim() == 1
        and value.device.type == "cpu"
    )


def _first_difference(
    wanted: Sequence[tuple[str, tuple[int, ...]]], got: Sequence[tuple[str, tuple[int, ...]]]
) -> str:
    for (name, seeds), (other, given) in zip(wanted, got, strict=False):
        if name != other:
            return f": expected one for sample {name!r}, got {other!r}"
        if seeds != given:
            return (
                f": expected {len(seeds)} rollouts of sample {name!r}, with the seeds of its "
                f"request, got {len(given)}"
            )
    return ""


def _refuse(engine: Engine, expected: str, got: str) -> None:
    raise RolloutError(breach(engine, "draw", expected, got))
