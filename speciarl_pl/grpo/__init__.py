"""GRPO as pure functions of tensors: advantages, loss, KL, filtering."""
