import dataclasses

import pytest
import torch

from speciarl_pl.errors import PromptError
from speciarl_pl.policy import load_policy

from . import tiny


@pytest.mark.parametrize(
    ("width", "height", "tokens"), [(28, 28, 1), (56, 56, 4), (112, 84, 12), (500, 500, 16)]
)
def test_placeholders_match_the_image_size(policy, width, height, tokens):
    prompt = policy.encode(tiny.sample(width, height))
    image = policy.base.config.image_token_id
    assert int((prompt.input_ids == image).sum()) == tokens
    assert torch.equal(prompt.mm_token_type_ids, (prompt.input_ids == image).long())
    assert prompt.vision["pixel_values"].shape == (4 * tokens, 3 * 2 * 14 * 14)
    assert prompt.vision["pixel_values"].dtype == torch.float32


def test_the_prompt_is_the_chat_template_around_the_image(policy):
    prompt = policy.encode(tiny.sample(56, 56, "Which bird, naïvely?"))
    assert policy.tokenizer.decode(prompt.input_ids) == (
        "<|im_start|>user\n<|vision_start|>" + "<|image_pad|>" * 4 + "<|vision_end|>"
        "Which bird, naïvely?<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.fixture(params=["qwen", "llava"])
def encoder(request, qwen_dir, llava_dir):
    return load_policy({"qwen": qwen_dir, "llava": llava_dir}[request.param]).encoder


@pytest.mark.parametrize(
    ("named", "found"), [("<|image_pad|>", 2), ("<|image_pad|><|image_pad|>", 3)]
)
def test_a_question_that_names_the_placeholder_is_refused(encoder, named, found):
    shown = dataclasses.replace(tiny.sample(), prompt=f"What is {named}?")
    with pytest.raises(PromptError, match=rf"^data\.prompt: expected one .* got {found}; .*_pad"):
        encoder(shown)


@pytest.mark.parametrize("named", ["<|video_pad|>", "<|vision_start|>"])
def test_nor_may_it_name_what_stands_around_images_and_videos(policy, named):
    with pytest.raises(PromptError, match=r"must not name a placeholder"):
        policy.encode(dataclasses.replace(tiny.sample(), prompt=f"{named} is what?"))


def test_a_template_that_places_no_image_is_refused(policy):
    policy.tokenizer.chat_template = "{% for m in messages %}What is it?{% endfor %}"
    with pytest.raises(PromptError, match=r"expected one image placeholder .* got 0"):
        policy.encode(tiny.sample())
