"""A real vLLM server of a tiny random text model, as a judge on loopback."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from vllm_tools import VLLMProcess

from speciarl_pl.policy.base_model import quiet

MODEL = "tiny-judge"
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LONGEST = 16384


def save_model(folder: Path) -> Path:
    """Save a model with a byte-level tokenizer: each byte is a token, so no text is unknown."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.add_special_tokens({"additional_special_tokens": list(SPECIALS)})
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,  # vLLM's attention on CPUs needs heads of 32 or more
        num_key_value_heads=1,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        eos_token_id=fast.eos_token_id,
        bos_token_id=fast.pad_token_id,
    )
    with quiet():
        Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


class VLLMJudgeServer(VLLMProcess):
    """Serves the model in `folder`."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        options = ["--served-model-name", MODEL, "--max-model-len", str(LONGEST)]
        super().__init__(folder, *options, port=port)
