"""The policy: a vision-language model with a LoRA adapter that can score its own rollouts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from peft import LoraConfig, PeftModel
from torch import Tensor, nn

from speciarl_pl.policy import identity as identities
from speciarl_pl.policy.prompts.encoder import PromptEncoder
from speciarl_pl.policy.rows.decoders import row_limit
from speciarl_pl.policy.rows.plain_rows import PlainRows, plain_rows
from speciarl_pl.policy.rows.shared_rows import SharedRows, fits, say_once, shared_rows
from speciarl_pl.policy.scores import TokenScores, to_grid
from speciarl_pl.policy.weights import adapter
from speciarl_pl.records import EncodedPrompt, RolloutGroup, Sample

Rows: TypeAlias = SharedRows | PlainRows
"""A micro-batch as it goes through the model, laid out once and scored in several passes."""


class Policy(nn.Module):
    """A VLM whose language model carries the LoRA adapter `default`; the rest is frozen.

    Args:
        model: The VLM with its adapter.
        encoder: Makes its prompts.
        rows: How rollouts are laid out for scoring.
        banned_token_ids: Image tokens and the like, which the policy must never sample.
        eos_token_ids: Tokens that end a turn.
        pad_token_id: Fills rows.
    """

    def __init__(
        self,
        model: PeftModel,
        encoder: PromptEncoder,
        *,
        rows: Literal["shared", "plain"],
        banned_token_ids: Sequence[int],
        eos_token_ids: Sequence[int],
        pad_token_id: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.encoder = encoder
        self.rows = rows
        self.banned_token_ids = sorted(set(banned_token_ids))
        self.eos_token_ids = list(eos_token_ids)
        self.pad_token_id = pad_token_id
        self.base_name = str(model.get_base_model().name_or_path)
        """What messages and checkpoints call the base."""
        self._identity: dict[str, Any] | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Base, its number format, and the form of the adapter: see `speciarl_pl.policy.identity`.

        What is loaded never changes, so the weights are looked at once.
        """
        if self._identity is None:
            self._identity = identities.identity(
                self.base, self.base_name, self.compute_dtype, self.lora_config
            )
        return self._identity

    def take_adapter_of(self, needed: Mapping[str, Any]) -> None:
        """Put a fresh adapter of the form of another identity in the place of this one."""
        self.model = adapter.replace(self.model, identities.lora_config(needed))
        self.train(self.training)
        self._identity = None

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of the model."""
        return self.encoder.tokenizer

    @property
    def base(self) -> Any:
        """The transformers model itself; its linear layers carry the adapter inside."""
        return self.model.get_base_model()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device(self.base.device)

    @property
    def compute_dtype(self) -> torch.dtype:
        """Type in which the unquantised layers compute."""
        dtype = self.base.get_input_embeddings().weight.dtype
        assert isinstance(dtype, torch.dtype)
        return dtype

    @property
    def lora_config(self) -> LoraConfig:
        """Rank, scale and place of the adapter, as PEFT keeps them."""
        config = self.model.peft_config["default"]
        assert isinstance(config, LoraConfig)
        return config

    def encode(self, sample: Sample) -> EncodedPrompt:
        """Encode the image and the question of a sample; tensors are on the CPU."""
        return self.encoder(sample)

    def autocast(self) -> AbstractContextManager[Any]:
        """Context in which to run the model: adapter weights are float32, a base may be 16-bit."""
        if self.compute_dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.compute_dtype)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Context without dropout."""
        was_training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(was_training)

    def decode(self, tokens: Tensor | Sequence[int]) -> str:
        """Text of a completion, without special tokens."""
        text: Any = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return str(text)

    def lay_out(self, groups: Sequence[RolloutGroup]) -> Rows:
        """Lay a micro-batch out for `score`, once for all passes over it.

        On shared rows the frozen tower runs here, so once an image.

        Args:
            groups: B >= 1 groups, R rollouts in all, prompts and completions of any lengths.

        Raises:
            ValueError: Without a group.
        """
        if not groups:
            raise ValueError("groups: expected at least one group to score, got none")
        if self.rows == "shared" and fits(self.base, groups):
            with self.autocast():
                return shared_rows(self.base, groups, pad_token_id=self.pad_token_id)
        if self.rows == "shared" and (limit := row_limit(self.base)):
            say_once(
                f"{self.base_name}: micro-batches with a row of more than {limit.tokens} tokens"
                f" are scored with a row for every rollout: {limit.reason}"
            )
        return plain_rows(groups, pad_token_id=self.pad_token_id)

    def score(
        self,
        rows: Rows,
        *,
        temperature: float = 1.0,
        reference: bool = False,
        entropy: bool = True,
    ) -> TokenScores:
        """Score every token of every completion.

        Args:
            rows: A micro-batch, as `lay_out` gives it; R rollouts.
            temperature: Of the sampler; divides the logits. > 0.
            reference: Score by the base, with the adapter off and without gradient.
            entropy: Whether to compute entropies.

        Returns:
            Scores [R, T]; with gradient to the adapter unless `reference` or under `no_grad`.

        Raises:
            ValueError: At a temperature that is not positive.
        """
        if temperature <= 0:
            raise ValueError(f"temperature: expected a number > 0, got {temperature}")
        banned = torch.tensor(self.banned_token_ids, dtype=torch.int64, device=self.device)
        with self._base_alone() if reference else nullcontext(), self.autocast():
            flat = rows.score(self.base, temperature=temperature, banned=banned, entropy=entropy)
        return to_grid(flat, rows.lengths)

    def trainable_parameters(self) -> list[nn.Parameter]:
        """The adapter's weights, float32."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def adapter_state_dict(self) -> dict[str, Tensor]:
        """Adapter tensors under the names that PEFT saves them with; they share memory."""
        return adapter.state_dict(self.model)

    def adapter_scales(self) -> dict[str, float]:
        """By what the product of B and A is multiplied, by PEFT's name of the adapted module."""
        return adapter.scales(self.model)

    def load_adapter_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Replace the adapter's tensors.

        Raises:
            ModelError: If a name is missing or unknown, a shape differs, or a tensor is not finite.
        """
        adapter.load_state_dict(self.model, state)

    def save_adapter(self, directory: Path | str) -> None:
        """Write the adapter in PEFT format, with its identity beside it.

        It loads with PEFT, transformers and vLLM.

        Raises:
            ModelError: If a tensor is not finite; nothing is written.
        """
        adapter.save(self.model, directory)
        identities.write(directory, self.identity)

    @contextmanager
    def _base_alone(self) -> Iterator[None]:
        """Context with the adapter off and without gradient."""
        with torch.no_grad(), self.model.disable_adapter():
            yield
