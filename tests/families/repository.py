"""The files of a model's repository."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerBase

from speciarl_pl.policy.base_model import quiet

TemplatePlace = Literal["chat_template.jinja", "chat_template.json", "tokenizer_config.json", ""]


@dataclass
class Repository:
    """What a repository holds; `save` writes it."""

    config: Any
    """Of the model."""
    tokenizer: PreTrainedTokenizerBase
    """With all special tokens."""
    images: Mapping[str, Any]
    """`preprocessor_config.json`."""
    template: str
    """The chat template."""
    template_place: TemplatePlace
    """The file it is kept in; empty: there is none."""
    processor: Mapping[str, Any] = field(default_factory=dict)
    """`processor_config.json`; none if empty."""
    videos: Mapping[str, Any] = field(default_factory=dict)
    """`video_preprocessor_config.json`; none if empty."""
    end: str = ""
    """Token that ends a turn; empty: that of the tokenizer."""
    shard: str = "1GB"
    """Size of a file of weights."""
    dtype: torch.dtype = torch.float32
    """Of the weights."""

    def save(self, directory: Path, weights: bool = True) -> None:
        """Write all files, with or without weights."""
        directory.mkdir(parents=True, exist_ok=True)
        if self.template_place == "tokenizer_config.json":
            self.tokenizer.chat_template = self.template
        self.tokenizer.save_pretrained(directory, save_jinja_files=False)
        if weights:
            self._save_model(directory)
        else:
            self.config.architectures = None
            self.config.save_pretrained(directory)
        if self.template_place == "chat_template.json":
            _write(directory / self.template_place, {"chat_template": self.template})
        elif self.template_place == "chat_template.jinja":
            (directory / self.template_place).write_text(self.template)
        _write(directory / "preprocessor_config.json", self.images)
        _write(directory / "processor_config.json", self.processor)
        _write(directory / "video_preprocessor_config.json", self.videos)

    def _save_model(self, directory: Path) -> None:
        torch.manual_seed(0)
        with quiet():
            model = AutoModelForImageTextToText.from_config(self.config).to(self.dtype)
            _fill_what_starts_at_nothing(model)
            end = self.tokenizer.convert_tokens_to_ids(self.end or self.tokenizer.eos_token)
            model.generation_config.eos_token_id = [end]
            model.save_pretrained(directory, max_shard_size=self.shard)


def _fill_what_starts_at_nothing(model: nn.Module) -> None:
    """Give weights that begin as all zero a value, else the image would not matter."""
    for name, parameter in model.named_parameters():
        gate = "gate" in name and parameter.numel() == 1
        if gate or (parameter.dim() > 1 and not parameter.any()):
            nn.init.normal_(parameter, mean=1.0 if gate else 0.0, std=0.2)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    if content:
        path.write_text(json.dumps(content, indent=2))
