"""The states of all random generators, so that a resumed run goes on as if never stopped."""

import io
import random
from typing import Any

import numpy as np
import torch
import torch.distributed


def get_rng_state() -> dict[str, Any]:
    """States of Python's, NumPy's and torch's generators, of plain types and tensors."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
    }


def set_rng_state(state: dict[str, Any]) -> None:
    """Restore what `get_rng_state` returned."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy(), *rest))
    torch.set_rng_state(state["torch"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])


def every_rank(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Gather the states of all ranks, in their order; all ranks come here together."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return [state]
    file = io.BytesIO()
    torch.save(state, file)  # plain pickle cannot read NumPy's uint32 as a tensor
    files: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(files, file.getvalue())
    return [torch.load(io.BytesIO(one), map_location="cpu", weights_only=True) for one in files]
