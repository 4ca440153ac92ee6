"""Prompts, banned tokens and pixel limits of each family, without any weights."""

from functools import cache

import pytest
import torch
from families import marked, save
from PIL import Image
from transformers import AutoConfig, AutoProcessor

from speciarl_pl.errors import PromptError
from speciarl_pl.policy.base_model import quiet, vlm_config
from speciarl_pl.policy.prompts.processors import QWEN_LIKE, image_backend, load_encoder
from speciarl_pl.records import Sample

from . import tiny

pytestmark = [
    pytest.mark.usefixtures("num2words"),
    pytest.mark.filterwarnings(  # PaliGemma's own processor
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]

SIZES = ((56, 56), (112, 40), (40, 130), (300, 200))
BEGINS = {
    "smolvlm": "<|im_start|>",
    "idefics3": "<|begin_of_text|>",
    "llava": "<s>",
    "llava_next": "<s>",
    "gemma3": "<bos>",
    "mistral3": "<s>",
    "mllama": "<|begin_of_text|>",
    "paligemma": "<bos>",
}
"""The token that begins a text, in families that have one."""
QWEN = {"<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"}
TILES = {
    "<image>",
    "<fake_token_around_image>",
    "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)),
}
BANNED = {
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5"), QWEN),
    "glm4v": {
        *("<|image|>", "<|video|>", "<|begin_of_image|>", "<|end_of_image|>"),
        *("<|begin_of_video|>", "<|end_of_video|>"),
    },
    "smolvlm": TILES,
    "idefics3": TILES,
    "llava": {"<image>"},
    "llava_next": {"<image>"},
    "llava_onevision": {"<image>", "<video>"},
    "internvl": {"<img>", "</img>", "<IMG_CONTEXT>"},
    "gemma3": {"<start_of_image>", "<end_of_image>", "<image_soft_token>"},
    "mistral3": {"[IMG]", "[IMG_BREAK]", "[IMG_END]"},
    "mllama": {"<|image|>"},
    "paligemma": {"<image>"},
}


@pytest.fixture(scope="module", params=marked())
def repository(request, tmp_path_factory):
    """Name and directory of a family."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, str(save(folder, request.param, weights=False))


def encoder_of(directory, **limits):
    with quiet():
        return load_encoder(directory, vlm_config(directory), **limits)


@cache
def own_processor(directory):
    if image_backend() == "pil" and vlm_config(directory).model_type in QWEN_LIKE:
        pytest.skip("its own processor, which this package does without, needs torchvision")
    with quiet():
        return AutoProcessor.from_pretrained(directory, backend=image_backend())


def by_its_own_processor(directory, sample):
    """As the processor's documentation has it: a conversation, or a text where there are none."""
    processor = own_processor(directory)
    with quiet():
        if processor.chat_template is None and processor.tokenizer.chat_template is None:
            text = f"<image>{sample.prompt}"
            return dict(processor(images=sample.image, text=text, return_tensors="pt"))
        content = [
            {"type": "image", "image": sample.image},
            {"type": "text", "text": sample.prompt},
        ]
        return dict(
            processor.apply_chat_template(
                [{"role": "user", "content": content}],
                chat_template=processor.chat_template or processor.tokenizer.chat_template,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                add_generation_prompt=True,
            )
        )


def test_ids_and_pixels_are_those_of_its_own_processor(repository):
    _, directory = repository
    encoder = encoder_of(directory)
    for size in SIZES:
        sample = tiny.sample(*size, prompt="Which bird is it,\nnaïvely?")
        prompt, own = encoder(sample), by_its_own_processor(directory, sample)
        assert prompt.input_ids.tolist() == own.pop("input_ids")[0].tolist()
        for name in ("attention_mask", "labels", "mm_token_type_ids"):
            own.pop(name, None)
        found = {**prompt.vision, **{name: v[None] for name, v in prompt.per_token.items()}}
        assert found.keys() == own.keys()
        for name, value in found.items():
            torch.testing.assert_close(value, own[name], rtol=0, atol=0)


def test_a_text_begins_once(repository):
    name, directory = repository
    encoder = encoder_of(directory)
    ids = encoder(tiny.sample()).input_ids.tolist()
    tokens = encoder.tokenizer.convert_ids_to_tokens(ids)
    assert encoder.tokenizer.bos_token == BEGINS.get(name)
    assert name not in BEGINS or tokens.count(BEGINS[name]) == 1


def test_image_tokens_are_those_that_the_config_declares(repository):
    _, directory = repository
    encoder, config = encoder_of(directory), AutoConfig.from_pretrained(directory)
    prompt = encoder(tiny.sample())
    declared = getattr(config, "image_token_id", None) or config.image_token_index
    assert torch.equal(prompt.mm_token_type_ids, (prompt.input_ids == declared).long())
    assert prompt.mm_token_type_ids.any()


def test_what_an_image_brings_is_banned_and_may_not_be_asked(repository):
    name, directory = repository
    encoder = encoder_of(directory)
    banned = set(encoder.tokenizer.convert_ids_to_tokens(encoder.banned_token_ids))
    assert banned == BANNED[name]
    for token in banned:
        with pytest.raises(PromptError, match="must not name a placeholder"):
            encoder(tiny.sample(prompt=f"What is {token}?"))


def seen_pixels(prompt, images):
    """Area that the tower sees, without the small picture of the whole beside tiles."""
    pixels = prompt.vision["pixel_values"]
    if hasattr(images, "merge_size"):  # patches, of two frames
        return pixels.numel() // 3 // 2
    tiles = pixels.numel() // 3 // (pixels.shape[-1] * pixels.shape[-2])
    apart = tiles > 1 and not hasattr(images, "max_image_tiles")
    return (tiles - apart) * pixels.shape[-1] * pixels.shape[-2]


LIMITS = {
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "glm4v"), (56 * 56, 56 * 28)),
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe", "qwen3_5"), (64 * 64, 64 * 32)),
    **dict.fromkeys(("smolvlm", "idefics3", "internvl"), (56 * 56, 56 * 56)),
    **dict.fromkeys(("llava_next", "llava_onevision"), (56 * 112, 56 * 112)),
    "mistral3": (56 * 56, 56 * 56),
}
"""A limit, and what an image of 300 x 200 is then seen as."""
ONE_SIZE = {"llava": 56 * 56, "gemma3": 56 * 56, "paligemma": 56 * 56, "mllama": 4 * 56 * 56}


def test_images_are_shrunk_to_max_pixels_or_it_is_refused(repository):
    name, directory = repository
    large = Sample("1", "noise", "noise", "What?", Image.new("RGB", (300, 200)))
    if name in ONE_SIZE:
        limit = ONE_SIZE[name]
        with pytest.raises(ValueError, match=rf"^max_pixels: .* one of {limit} pixels"):
            encoder_of(directory, max_pixels=limit - 1)
        encoder = encoder_of(directory, max_pixels=limit, min_pixels=limit)
        assert seen_pixels(encoder(large), encoder.image_processor) == limit
        return
    limit, expected = LIMITS[name]
    encoder = encoder_of(directory)
    assert seen_pixels(encoder(large), encoder.image_processor) > limit
    encoder = encoder_of(directory, max_pixels=limit)
    assert seen_pixels(encoder(large), encoder.image_processor) == expected
