import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from speciarl_pl.world import base_path, world_specs
from speciarl_pl.world.lessons import encode_question, other_questions, usual_question
from speciarl_pl.world.tokenizer import SPECIAL, TAGS, build_tokenizer
from speciarl_pl.world.wording import all_texts, completion

BUILT = build_tokenizer()


@given(st.text())
def test_any_text_comes_back_unchanged(text):
    assert BUILT.decode(BUILT(text)["input_ids"]) == text


@given(st.binary())
def test_any_bytes_that_text_can_hold_come_back(data):
    text = data.decode("utf-8", errors="replace")
    assert BUILT.decode(BUILT(text)["input_ids"]) == text


def test_control_tokens_are_left_out_and_tags_are_kept():
    ids = BUILT("<think>a</think><|im_end|>")["input_ids"]
    assert BUILT.decode(ids, skip_special_tokens=True) == "<think>a</think>"
    assert all(len(BUILT(token)["input_ids"]) == 1 for token in (*SPECIAL, *TAGS))


def test_the_chat_template_takes_text_and_images():
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
    ]
    assert BUILT.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"
        "<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_shipped_tokenizer_is_the_built_one():
    shipped = AutoTokenizer.from_pretrained(base_path())
    assert shipped.get_vocab() == BUILT.get_vocab()
    assert shipped.chat_template == BUILT.chat_template
    for text in (usual_question(), *other_questions(), *all_texts()):
        assert shipped(text)["input_ids"] == BUILT(text)["input_ids"]
    assert (shipped.eos_token, shipped.pad_token) == ("<|im_end|>", "<|endoftext|>")


def test_the_usual_question_and_completions_are_short():
    import numpy as np

    rng = np.random.default_rng(0)
    lengths = [len(BUILT(completion(s, rng))["input_ids"]) for s in world_specs("all", 500, 0)]
    assert max(lengths) <= 30
    assert sum(lengths) / len(lengths) < 26
    assert len(encode_question(BUILT, usual_question())) <= 48


@pytest.mark.parametrize("token", ["hexagon", " hexagon", "crimson", " crimson", "marlow"])
def test_words_of_the_world_are_single_tokens(token):
    assert len(BUILT(token)["input_ids"]) == 1
