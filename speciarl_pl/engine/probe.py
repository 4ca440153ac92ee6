"""Looks into a vLLM worker for the adapter that its kernels use.

Runs inside vLLM, also on servers: `--worker-extension-cls speciarl_pl.engine.probe.AdapterProbe`.
"""

import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from speciarl_pl.engine.fingerprint import fingerprint


class AdapterProbe:
    """A method that vLLM adds to its workers, to be called by name."""

    model_runner: Any

    def speciarl_report(self, modules: str) -> str:
        """Describe the newest adapter of this worker.

        Args:
            modules: JSON list of adapted modules, under PEFT's names.

        Returns:
            JSON of an `EngineReport`: JSON, because that also passes through HTTP.
        """
        manager = self.model_runner.lora_manager._adapter_manager
        return json.dumps(describe(manager, json.loads(modules)))


def describe(manager: Any, modules: list[str]) -> dict[str, Any]:
    """What a vLLM LoRA manager holds, as the fields of an `EngineReport`."""
    names = {_engine_name(manager.model, module): module for module in modules}
    adapters = sorted(manager.list_adapters())
    active = [number for number in manager.lora_index_to_id if number is not None]
    found: dict[str, list[list[float]]] = {}
    unexpected, dtype = [], ""
    if adapters and adapters[-1] in active:
        for engine_name, matrix_a, matrix_b in _matrices(manager, adapters[-1]):
            dtype = str(matrix_a.dtype).removeprefix("torch.")
            prints = [fingerprint(matrix_a), fingerprint(matrix_b)]
            if prints[0][0] == 0:  # A is never zero: this layer has no adapter
                continue
            if engine_name in names:
                found[names[engine_name]] = prints
            else:
                unexpected.append(engine_name)
    return {
        "adapters": adapters,
        "dtype": dtype,
        "modules": found,
        "unexpected": unexpected,
        "memory_bytes": _memory_bytes(),
    }


def _engine_name(model: Any, module: str) -> str:
    """Translate a PEFT name as vLLM does while loading."""
    from vllm.lora.utils import parse_fine_tuned_lora_name

    mapper = getattr(model, "hf_to_vllm_mapper", None)
    name: str = parse_fine_tuned_lora_name(
        f"{module}.lora_A.weight", mapper.get_rename_mapper() if mapper else None
    )[0]
    return name


def _matrices(manager: Any, number: int) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, A and scaled B of every layer that can carry an adapter.

    They are read from the buffers that the kernels use, so that an adapter which was loaded but
    never reached its layers is seen; only where tensor parallelism has cut these, from the copy
    they were cut from.
    """
    slot = manager.lora_index_to_id.index(number)
    for name, layer in manager.modules.items():
        if not isinstance(layer.lora_a_stacked, tuple):  # head and embeddings are never adapted
            continue
        parts = manager.packed_modules.get(name) or [name]
        if getattr(layer, "tp_size", 1) > 1:
            lora = manager.list_adapters()[number].get_lora(name)
            matrices = [(lora.lora_a, lora.lora_b)] if lora else []
            if lora and isinstance(lora.lora_a, list):
                matrices = list(zip(lora.lora_a, lora.lora_b, strict=True))
        else:
            stacks = zip(layer.lora_a_stacked, layer.lora_b_stacked, strict=True)
            matrices = [(a[slot, 0], b[slot, 0]) for a, b in stacks]
        for part, (matrix_a, matrix_b) in zip(parts, matrices, strict=False):
            if matrix_a is not None:
                yield part, matrix_a, matrix_b


def _memory_bytes() -> int:
    """Memory of this process, and of its GPU all that is in use."""
    import psutil

    used: int = psutil.Process().memory_info().rss
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        used += total - free
    return used
