"""The records that the stages of one update hand to each other.

`Sample` -> `EncodedPrompt` -> `RolloutGroup` -> `JudgedGroup` -> `ScoredGroup`; a `Batch` gathers
them. All are frozen but the `Batch`, to which a rollout callback attaches its groups.
"""

from __future__ import annotations  # the words of the domain are had without torch

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from speciarl_pl.category import UNJUDGED, UNPARSED, Category

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image with the question asked about it."""

    id: str
    """Unique within its data set and stable between runs, e.g. a file name."""
    dataset: str
    """Name of the data set; metrics are kept one set per name."""
    truth: str
    """The label, as written by the data set; empty for a photo without one."""
    prompt: str
    """Text of the user's turn; the image goes before it."""
    image: Image
    """RGB, upright."""
    subset: str = ""
    """Named part of the data set to look at apart, e.g. `easy`; empty if there is none."""
    position: int = 0
    """Place among all samples of its stage, data set after data set, from 0."""
    taxonomy: str = ""
    """Tree of names of its data set, as the source names it; empty if there is none."""
    path: str = ""
    """File of the image; empty if it is drawn or lies in a table."""
    own_prompt: bool = False
    """Whether the question is its own, and not the one of all samples."""


@dataclass(frozen=True, slots=True)
class SkippedSample:
    """A sample that could not be read."""

    id: str
    """As in `Sample`."""
    dataset: str
    """As in `Sample`."""
    reason: str
    """What was wrong, naming the file."""
    position: int = 0
    """As in `Sample`."""


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """The prompt of one sample as the model takes it."""

    input_ids: Tensor
    """int64 [P]: chat template, image placeholder tokens and question, ready for the answer."""
    mm_token_type_ids: Tensor
    """int64 [P]: 1 on image tokens, 0 elsewhere."""
    vision: Mapping[str, Tensor]
    """What the image processor made of the image; for Qwen-VL `pixel_values` float32
    [patches, patch dimension] and `image_grid_thw` int64 [1, 3] (in patches)."""
    per_token: Mapping[str, Tensor] = field(default_factory=dict)
    """What else the model's processor says of each token, under the model's argument names: int64
    [P, ...] each, such as Gemma 3's `token_type_ids` or Mllama's `cross_attention_mask`."""

    def to(self, device: torch.device | str) -> EncodedPrompt:
        """Copy with every tensor on `device`."""
        return self.map(lambda tensor: tensor.to(device))

    def map(self, change: Callable[[Tensor], Tensor]) -> EncodedPrompt:
        """Copy with every tensor changed."""
        return EncodedPrompt(
            change(self.input_ids),
            change(self.mm_token_type_ids),
            {name: change(value) for name, value in self.vision.items()},
            {name: change(value) for name, value in self.per_token.items()},
        )


@dataclass(frozen=True, slots=True)
class Rollout:
    """One sampled completion."""

    tokens: Tensor
    """int64 [T], T >= 1, on the CPU: sampled token ids, the end-of-turn token included when the
    policy ended its turn; so many tokens long is the rollout."""
    logprobs: Tensor
    """float32 [T], on the CPU: the sampler's log-probability of each token, under its temperature
    and its banned tokens. Natural log. Training draws without top-p; where validation draws with
    it, vLLM's are under top-p too, those of transformers' engine not."""
    text: str
    """The completion without special tokens."""
    finish_reason: Literal["stop", "length"]
    """`stop` if the policy ended its turn, `length` if it was cut."""
    seed: int
    """Seed from which this rollout was drawn."""


@dataclass(frozen=True, slots=True)
class RolloutGroup:
    """All rollouts of one sample in one step; advantages are relative to this group alone."""

    sample: Sample
    """What was asked."""
    prompt: EncodedPrompt
    """The same, encoded."""
    rollouts: tuple[Rollout, ...]
    """N rollouts, in the order of their index."""
    source: str = ""
    """Which replica of an engine drew them; empty if it has but one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The label that a rollout gave."""

    text: str
    """As written, trimmed; never empty."""


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A rollout without a readable answer."""

    reason: str
    """Which rule it broke."""

    @property
    def code(self) -> int:
        """`UNPARSED`."""
        return UNPARSED


@dataclass(frozen=True, slots=True)
class Pair:
    """What a judge is asked."""

    truth: str
    """The label of the data set, as written."""
    prediction: str
    """The answer of the model, as written."""
    dataset: str = ""
    """Tree of names that the truth belongs to, or the name of its data set; empty if unknown. It
    tells a judge with trees of several sets which one to read; judges of words alone ignore it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of a pair."""

    category: Category
    """The level of the prediction."""
    source: str
    """Which judge, and which rule or prompt of it, e.g. `taxonomy:ancestor`."""
    cached: bool = False
    """Whether it was answered from a store."""

    @property
    def code(self) -> int:
        """The category as an integer."""
        return int(self.category)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A pair for which no verdict could be had; never a reward."""

    reason: str
    """What failed."""
    transient: bool = False
    """Whether the same pair may be judged later: a service was down, the pair is not at fault."""

    @property
    def code(self) -> int:
        """`UNJUDGED`."""
        return UNJUDGED


Judgement: TypeAlias = Verdict | Unjudged
"""What a judge returns for a pair."""

Outcome: TypeAlias = Verdict | Unjudged | Unparsed
"""What became of a rollout; `.code` is a `Category` value, `UNPARSED` or `UNJUDGED`."""


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """A rollout group with its answers and their verdicts."""

    group: RolloutGroup
    """The group."""
    answers: tuple[Answer | Unparsed, ...]
    """One per rollout."""
    outcomes: tuple[Outcome, ...]
    """One per rollout."""
    thinking: tuple[str, ...]
    """One per rollout: what it says before it answers, without the tags; see `answer.thinking`."""

    @property
    def sample(self) -> Sample:
        """What was asked: truth, question, image and its file."""
        return self.group.sample

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """What was said: text, tokens, why it ended."""
        return self.group.rollouts

    @property
    def seed(self) -> int:
        """Names this group in this step, the same in a resumed run: the first rollout's."""
        return self.rollouts[0].seed


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """A judged group with what the update learns from."""

    judged: JudgedGroup
    """The judged group."""
    rewards: Tensor
    """float32 [N]; NaN where a rollout has no verdict."""
    advantages: Tensor
    """float32 [N]; 0 where a rollout has no verdict."""

    @property
    def group(self) -> RolloutGroup:
        """The rollout group underneath."""
        return self.judged.group


@dataclass(slots=True)
class Batch:
    """Samples on their way through one step; the one mutable record."""

    samples: list[Sample]
    """B samples; may be empty when none of them could be read."""
    prompts: list[EncodedPrompt]
    """B encoded prompts, in the order of `samples`."""
    skipped: list[SkippedSample] = field(default_factory=list)
    """Samples of this batch that could not be read."""
    groups: list[RolloutGroup] | None = None
    """Rollouts, B groups in the order of `samples`; attached by a rollout callback."""
    temperature: float = 1.0
    """Temperature at which `groups` were sampled; the update learns at the same."""

    def to(self, device: torch.device | str, **_: object) -> Batch:
        """Copy with the tensors of the prompts on `device`; rollouts stay where they are."""
        return replace(self, prompts=[prompt.to(device) for prompt in self.prompts])
