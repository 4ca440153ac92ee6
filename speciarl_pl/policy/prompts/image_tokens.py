"""Which tokens only an image may bring into a row."""

import re
from collections.abc import Iterable
from typing import Any, Final

from PIL import Image
from torch import Tensor

_DECLARED: Final = re.compile(
    r"(\w*_)?(image|video|audio|vision|boi|eoi|boa|eoa)(_\w+)?_token_(id|index)"
)
_NAMED: Final = re.compile(r"(\w*_)?(image|video|audio|boi|eoi)(_\w+)?_token")
_SHAPES: Final = ((64, 64), (128, 32), (32, 128))


def image_token_ids(config: Any) -> list[int]:
    """What stands in a row for a piece of an image, as the model itself finds its place.

    What begins or ends an image is not among them.
    """
    found = (getattr(config, name, None) for name in ("image_token_id", "image_token_index"))
    return sorted({int(token) for token in found if token is not None})


def declared_token_ids(config: Any) -> list[int]:
    """All tokens of images, videos and sounds that a config names, ends included."""
    named = [value for name, value in config.to_dict().items() if _DECLARED.fullmatch(name)]
    found = {value for value in named if isinstance(value, int)}
    return sorted(found | set(image_token_ids(config)))


def declared_tokens(processor: Any) -> list[str]:
    """The same of a processor, which names texts."""
    named = [value for name, value in vars(processor).items() if _NAMED.fullmatch(name)]
    return list(dict.fromkeys(value for value in named if isinstance(value, str) and value))


def probes() -> list[Image.Image]:
    """Small images of three shapes, which a processor cuts up in all of its ways."""
    return [Image.new("RGB", shape, (127, 90, 30)) for shape in _SHAPES]


def brought_token_ids(tokenizer: Any, whole: Iterable[Tensor], text: Iterable[int]) -> list[int]:
    """Special tokens that prompts have because of their image.

    Args:
        tokenizer: The tokenizer of the prompts.
        whole: Prompts with an image, int64 [P] each.
        text: Tokens of the same prompt without one.

    Returns:
        Ids; letters and lines that stand between the pieces of an image are not among them, nor
        what begins, ends or fills a text.
    """
    special = set(tokenizer.added_tokens_decoder)
    frame = {getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad", "unk")}
    found = {token for prompt in whole for token in prompt.tolist()}
    return sorted((found & special) - set(text) - frame)
