"""The questions are tried on a plain image before the first batch."""

from typing import Final

from PIL import Image

from speciarl_pl.data.dataset import Encode, ImageDataset
from speciarl_pl.errors import PromptError
from speciarl_pl.records import Sample

TRIED: Final = 32
"""Odd questions of a data set that are tried."""

_MARKS: Final = frozenset("<>[]{}|")
_SIDE: Final = 224
"""Pixels; a size that every image processor takes."""


def check_prompt(encode: Encode, prompt: str) -> None:
    """Encode a plain grey image with the question.

    What fails here is not the fault of an image: a question that names the placeholder of an image,
    a template that places none, a processor that lacks its template or gets what it does not take.
    Found later it would be told as one broken image after the other.

    Args:
        encode: Makes of a sample what the model takes.
        prompt: Text of the user's turn.

    Raises:
        PromptError: If it cannot be encoded.

    Example:
        >>> def encode(sample):
        ...     raise TypeError("no chat template")
        >>> check_prompt(encode, "What is it?")
        Traceback (most recent call last):
            ...
        speciarl_pl.errors.PromptError: data.prompt: the model's processor takes no plain grey \
image with the question 'What is it?' (TypeError: no chat template); check the question, the \
chat template and the processor of the checkpoint
    """
    grey = Image.new("RGB", (_SIDE, _SIDE), "grey")
    try:
        encode(Sample("plain", "check of the prompt", "", prompt, grey))
    except PromptError:
        raise
    except Exception as error:  # a processor raises almost anything
        raise PromptError(
            f"data.prompt: the model's processor takes no plain grey image with the question "
            f"{_shortened(prompt)!r} ({type(error).__name__}: {error}); check the question, the "
            "chat template and the processor of the checkpoint"
        ) from error


def check_own_prompts(encode: Encode, images: ImageDataset) -> None:
    """The same for the questions of a data set's rows: the longest, and those with odd characters.

    Those are the ones in which a placeholder or a marker of the chat template may hide; at most
    `TRIED` of them, the others like them are told of when they come.

    Raises:
        PromptError: As `check_prompt`, naming the data set.
    """
    questions = images.prompts
    odd = [question for question in questions if not _MARKS.isdisjoint(question)]
    for question in dict.fromkeys([*sorted(questions, key=len)[-1:], *odd[:TRIED]]):
        try:
            check_prompt(encode, question)
        except PromptError as error:
            said = str(error).removeprefix("data.prompt: ")
            raise PromptError(
                f"data set {images.name!r}: the prompt {_shortened(question)!r}: {said}"
            ) from error


def _shortened(prompt: str, longest: int = 60) -> str:
    return prompt if len(prompt) <= longest else f"{prompt[:longest]}..."
