"""A group as a chat completion of a vLLM server: what is asked, and what the answer holds."""

import base64
import io
import json
from collections.abc import Mapping
from typing import Any

from PIL.Image import Image

from speciarl_pl.engine.engine import ban, check_prompt, pixel_limits, rollout
from speciarl_pl.errors import RolloutError
from speciarl_pl.policy import Policy
from speciarl_pl.records import RolloutGroup
from speciarl_pl.sampling import RolloutRequest, Sampling


def chat_body(
    policy: Policy, request: RolloutRequest, sampling: Sampling, adapter: str
) -> dict[str, Any]:
    """Ask for a group; every setting is named, as servers have defaults of their own.

    vLLM counts seeds up from that of the request, so those of the group have to be consecutive. It
    refuses to draw a greedy completion more than once, so that is asked for once.
    """
    first, count = request.seeds[0], len(request.seeds)
    assert request.seeds == tuple(range(first, first + count)), "vLLM counts up from the first"
    content = [
        {"type": "image_url", "image_url": {"url": _data_url(request.sample.image)}},
        {"type": "text", "text": request.sample.prompt},
    ]
    return {
        "model": adapter,
        "messages": [{"role": "user", "content": content}],
        "n": count if sampling.temperature > 0 else 1,
        "seed": first,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": -1,
        "min_p": 0.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "repetition_penalty": 1.0,
        "max_completion_tokens": sampling.max_new_tokens,
        "logit_bias": {str(token): bias for token, bias in ban(policy).items()},
        "stop_token_ids": policy.eos_token_ids,
        "stop": list(sampling.stop),
        "include_stop_str_in_output": True,
        "logprobs": True,
        "top_logprobs": 0,
        "return_token_ids": True,
    }


def read_reply(
    policy: Policy, request: RolloutRequest, sampling: Sampling, reply: Mapping[str, Any]
) -> RolloutGroup:
    """The group that an answer holds.

    Raises:
        RolloutError: If it is not whole, or of another prompt than the trainer's.
    """
    try:
        check_prompt(request, reply["prompt_token_ids"], _pixel_hint(policy))
        choices = sorted(reply["choices"], key=lambda choice: int(choice["index"]))
        if sampling.temperature == 0:
            choices *= len(request.seeds)
        rollouts = [
            rollout(
                policy,
                choice["token_ids"],
                [entry["logprob"] for entry in choice["logprobs"]["content"]],
                choice["finish_reason"] == "stop",
                seed,
            )
            for choice, seed in zip(choices, request.seeds, strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise RolloutError(
            f"sample {request.sample.id}: a server's answer cannot be read ({error!r}); "
            "expected one of vLLM with token ids and log-probabilities"
        ) from error
    return RolloutGroup(request.sample, request.prompt, tuple(rollouts))


def _pixel_hint(policy: Policy) -> str:
    limits = pixel_limits(policy)
    return f"; start servers with --mm-processor-kwargs '{json.dumps(limits)}'" if limits else ""


def _data_url(image: Image) -> str:
    """The image without loss, so that the server sees the trainer's pixels."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
