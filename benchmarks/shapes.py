"""Writes a checkpoint of a real Qwen-VL shape with random weights, tensor by tensor.

It has the files of the real repository: config, sharded weights, a tokenizer with the real special
tokens at their real ids, chat template, image processor. So loading, quantising, memory and speed
are those of the real model, on a machine that has no network; what it says is noise.

    python benchmarks/shapes.py qwen2_5_vl_7b DIR
    python benchmarks/shapes.py qwen3_vl_8b DIR --narrow    # real depth and vocabulary, width 64
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen3VLConfig,
)

FIRST_SPECIAL = 151643
"""Id of the first special token in all Qwen vocabularies since 2."""
SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<tool_call>",
    "</tool_call>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
)
TEMPLATE = (
    "{%- for m in messages -%}"
    "{%- if loop.first and system and m['role'] != 'system' -%}"
    "<|im_start|>system{{ '\n' }}You are a helpful assistant.<|im_end|>{{ '\n' }}{%- endif -%}"
    "<|im_start|>{{ m['role'] }}{{ '\n' }}"
    "{%- if m['content'] is string -%}{{ m['content'] }}{%- else -%}"
    "{%- for part in m['content'] -%}"
    "{%- if part['type'] == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- else -%}{{ part['text'] }}{%- endif -%}{%- endfor -%}{%- endif -%}<|im_end|>{{ '\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant{{ '\n' }}{%- endif -%}"
)


@dataclass(frozen=True)
class Shape:
    """Sizes of one model: of the language model, and those that its tower does not share."""

    family: str
    hidden: int
    layers: int
    heads: int
    key_heads: int
    intermediate: int
    vocabulary: int
    tied: bool
    tower: dict[str, Any]


_OLD = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16}
_OLD_32B = _OLD | {"intermediate_size": 3456}
_NEW_4B = {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "deepstack_visual_indexes": [5, 11, 17],
}
_NEW_8B = {
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "deepstack_visual_indexes": [8, 16, 24],
}
SHAPES = {
    "qwen2_5_vl_3b": Shape("qwen2_5", 2048, 36, 16, 2, 11008, 151936, True, _OLD),
    "qwen2_5_vl_7b": Shape("qwen2_5", 3584, 28, 28, 4, 18944, 152064, False, _OLD),
    "qwen2_5_vl_32b": Shape("qwen2_5", 5120, 64, 40, 8, 27648, 152064, False, _OLD_32B),
    "qwen3_vl_4b": Shape("qwen3", 2560, 36, 32, 8, 9728, 151936, True, _NEW_4B),
    "qwen3_vl_8b": Shape("qwen3", 4096, 36, 32, 8, 12288, 151936, False, _NEW_8B),
}
"""As in the config.json of each model."""


def config_of(shape: Shape, narrow: bool = False) -> PreTrainedConfig:
    """Config of a shape; `narrow` keeps depth and vocabulary and makes every layer small."""
    head = 16 if narrow else 128
    # Three parts of half a head: time, height, width.
    sections = {"qwen2_5": (16, 24, 24), "qwen3": (24, 20, 20)}[shape.family]
    rope = {
        "rope_type": "default",
        "mrope_section": [2, 3, 3] if narrow else list(sections),
        "rope_theta": 1e6 if shape.family == "qwen2_5" else 5e6,
    }
    if shape.family == "qwen3":
        rope["mrope_interleaved"] = True
    text = {
        "hidden_size": 64 if narrow else shape.hidden,
        "intermediate_size": 96 if narrow else shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": 4 if narrow else shape.heads,
        "num_key_value_heads": 2 if narrow else shape.key_heads,
        "head_dim": head,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": 128000,
        "bos_token_id": _id("<|endoftext|>"),
        "eos_token_id": _id("<|im_end|>"),
        "rope_parameters": rope,
        "tie_word_embeddings": shape.tied,
    }
    tower = shape.tower | {"out_hidden_size": text["hidden_size"]}
    if narrow:
        tower |= {"hidden_size": 32, "intermediate_size": 48, "num_heads": 2}
    ids = {
        "image_token_id": _id("<|image_pad|>"),
        "video_token_id": _id("<|video_pad|>"),
        "vision_start_token_id": _id("<|vision_start|>"),
        "vision_end_token_id": _id("<|vision_end|>"),
    }
    kind = Qwen2_5_VLConfig if shape.family == "qwen2_5" else Qwen3VLConfig
    shared = {"tie_word_embeddings": shape.tied, "dtype": "bfloat16"}
    return kind(text_config=text, vision_config=tower, **shared, **ids)


def write(
    name: str,
    folder: Path,
    *,
    narrow: bool = False,
    layers: int | None = None,
    device: str = "cpu",
    shard_bytes: int = 2 * 2**30,
) -> Path:
    """Write a checkpoint.

    Args:
        name: One of `SHAPES`.
        folder: Where to.
        narrow: Real depth and vocabulary, small width.
        layers: Keep only so many layers of the language model.
        device: Draws the numbers; a GPU does it in seconds.
        shard_bytes: Size of a file of weights, and the memory that this takes.

    Returns:
        The folder.
    """
    config = config_of(SHAPES[name], narrow)
    if layers is not None:
        config.text_config.num_hidden_layers = layers
        if getattr(config.text_config, "layer_types", None):
            config.text_config.layer_types = config.text_config.layer_types[:layers]
    folder.mkdir(parents=True, exist_ok=True)
    _write_weights(config, folder, device, shard_bytes)
    # The class that holds them, which no model object set on the config.
    config.architectures = [type(_skeleton(config)).__name__]
    config.save_pretrained(folder)
    ends = [_id("<|im_end|>"), _id("<|endoftext|>")]
    GenerationConfig(eos_token_id=ends, pad_token_id=_id("<|endoftext|>")).save_pretrained(folder)
    _write_processor(SHAPES[name].family, folder)
    return folder


def _id(special: str) -> int:
    return FIRST_SPECIAL + SPECIALS.index(special)


def _skeleton(config: PreTrainedConfig) -> Any:
    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def _write_weights(config: PreTrainedConfig, folder: Path, device: str, shard_bytes: int) -> None:
    """Shards of random weights and their index."""
    skeleton = _skeleton(config)
    tied = set(skeleton.all_tied_weights_keys or ())
    shapes = {n: t.shape for n, t in skeleton.state_dict().items() if n not in tied}
    placed: dict[str, str] = {}
    parts = list(_parts(shapes, shard_bytes))
    torch.manual_seed(0)
    for place, names in enumerate(parts, start=1):
        file = f"model-{place:05}-of-{len(parts):05}.safetensors"
        tensors = {name: _random(name, shapes[name], device) for name in names}
        save_file(tensors, folder / file, metadata={"format": "pt"})
        placed |= dict.fromkeys(names, file)
    total = sum(2 * shape.numel() for shape in shapes.values())
    index = {"metadata": {"total_size": total}, "weight_map": placed}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


def _parts(shapes: dict[str, torch.Size], shard_bytes: int) -> Iterator[list[str]]:
    """Names of the tensors of each file."""
    part: list[str] = []
    size = 0
    for name, shape in shapes.items():
        if part and size + 2 * shape.numel() > shard_bytes:
            yield part
            part, size = [], 0
        part.append(name)
        size += 2 * shape.numel()
    yield part


def _random(name: str, shape: torch.Size, device: str) -> Tensor:
    """Norms are 1, the rest is drawn as before a pretraining."""
    if "norm" in name and name.endswith("weight"):
        return torch.ones(shape, dtype=torch.bfloat16)
    drawn = torch.empty(shape, dtype=torch.bfloat16, device=device).normal_(std=0.02)
    return drawn.cpu()


def _tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level pieces of the packaged questions, filled up to the real size with words."""
    tokens = Tokenizer(models.BPE())
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    prompts = files("speciarl_pl.data.prompts").iterdir()
    texts = [file.read_text() for file in prompts if file.name.endswith(".txt")]
    trainer = trainers.BpeTrainer(
        vocab_size=4096, min_frequency=1, initial_alphabet=letters, show_progress=False
    )
    tokens.train_from_iterator(texts, trainer)
    learned = json.loads(tokens.to_str())["model"]
    vocabulary: dict[str, int] = learned["vocab"]
    for place in range(len(vocabulary), FIRST_SPECIAL):
        vocabulary[f"Ġw{place}"] = place
    tokens.model = models.BPE(vocabulary, [tuple(pair) for pair in learned["merges"]])
    tokens.add_special_tokens([AddedToken(text, special=True) for text in SPECIALS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )


def _write_processor(family: str, folder: Path) -> None:
    """Tokenizer, template, and what the image processor is told."""
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    old = family == "qwen2_5"
    system = "{%- set system = " + ("true" if old else "false") + " -%}"
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": system + TEMPLATE}))
    sizes: dict[str, Any] = {"min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14}
    if not old:
        edges = {"shortest_edge": 65536, "longest_edge": 16777216}
        sizes = {"size": edges, "patch_size": 16}
    images = {
        "image_mean": [0.48145466, 0.4578275, 0.40821073] if old else [0.5] * 3,
        "image_std": [0.26862954, 0.26130258, 0.27577711] if old else [0.5] * 3,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_processor_type": "Qwen2VLImageProcessor" if old else "Qwen2VLImageProcessorFast",
        "processor_class": "Qwen2_5_VLProcessor" if old else "Qwen3VLProcessor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(images | sizes, indent=2))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--narrow", action="store_true", help="small width")
    parser.add_argument("--layers", type=int, help="fewer layers of the language model")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asked = parser.parse_args(arguments)
    write(asked.shape, asked.folder, narrow=asked.narrow, layers=asked.layers, device=asked.device)


if __name__ == "__main__":
    main()
