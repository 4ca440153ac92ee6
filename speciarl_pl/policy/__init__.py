"""The policy: a vision-language model with a LoRA adapter."""
