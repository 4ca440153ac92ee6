"""Adapters of the built-in base whose scales follow other rules than alpha / r."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForImageTextToText

from speciarl_pl.policy import load_policy
from speciarl_pl.policy.base_model import quiet, resolve

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PATTERNS = {
    "rank_pattern": {"q_proj": 2, "layers.1.mlp.up_proj": 12},
    "alpha_pattern": {"k_proj": 3, "layers.0.self_attn.v_proj": 20},
}
RULES = {
    "alpha / r, a power of two": {},
    "alpha / r, not a power of two": {"lora_alpha": 6},
    "rsLoRA": {"use_rslora": True},
    "patterns": PATTERNS,
    "rsLoRA with patterns": {"use_rslora": True, **PATTERNS},
}


def policy_of(folder, dtype="float32", std=0.15, **options):
    """The built-in base with an adapter of these options, as a user brings it: from a folder."""
    torch.manual_seed(0)
    base = AutoModelForImageTextToText.from_pretrained(resolve("world"), dtype=torch.float32)
    known = {"r": 4, "lora_alpha": 8, "target_modules": LINEARS, "exclude_modules": ".*visual.*"}
    with quiet():
        model = get_peft_model(base, LoraConfig(**{**known, **options}))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=std)
    model.save_pretrained(folder)
    return load_policy("world", adapter=str(folder), dtype=dtype)
