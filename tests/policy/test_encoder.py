import dataclasses

import pytest
import torch

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


def test_a_question_that_names_the_placeholder_is_refused(policy):
    shown = dataclasses.replace(tiny.sample(), prompt="What is <|image_pad|>?")
    with pytest.raises(ValueError, match=r"prompt: expected one image placeholder .* got 2"):
        policy.encode(shown)
