"""The card of an adapter, read by the hub's own reader."""

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from speciarl_pl.run.model_card import CardFacts, card

IDENTITY = {
    "base": "Qwen/Qwen2.5-VL-7B-Instruct",
    "fingerprint": "0123",
    "dtype": "bfloat16",
    "quantization": "nf4",
    "adapter": {"r": 64, "lora_alpha": 128},
}
BIRDS = {"images": 9, "specificity": 0.5, "correctness": 0.75, "hm": 0.6}
FACTS = CardFacts(
    base=IDENTITY["base"],
    identity=IDENTITY,
    data=[("birds | [of] prey", 1200, 90)],
    prompt="What is it?\n```\nAnswer.",
    judge="CascadeJudge(ExactJudge, LLMJudge)",
    recipe={"rollouts": "10 an image"},
    steps=80,
    base_results={"step": 0, "datasets": {"birds": {**BIRDS, "specificity": 0.25}}},
    results={"step": 80, "datasets": {"birds": BIRDS}},
)


def test_the_hub_reads_its_header():
    data = ModelCard(card(FACTS)).data
    assert data.base_model == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert (data.library_name, data.pipeline_tag) == ("peft", "image-text-to-text")
    found = {one.metric_type: one.metric_value for one in data.eval_results}
    assert found == {"specificity": 0.5, "correctness": 0.75, "hm": 0.6}
    assert {one.dataset_name for one in data.eval_results} == {"birds"}


def test_it_says_what_the_adapter_is_of():
    text = ModelCard(card(FACTS)).text
    for said in (
        "r 64, alpha 128",
        "nf4",
        r"birds \| \[of\] prey: 1,200 images of 90 labels",
        "CascadeJudge(ExactJudge, LLMJudge)",
        "````\nWhat is it?\n```\nAnswer.\n````",
        "| rollouts | 10 an image |",
        "| training steps | 80 |",
        "| birds | 9 | 0.250 → 0.500 | 0.750 → 0.750 | 0.600 → 0.600 |",
        'PeftModel.from_pretrained(base, "ADAPTER")',
        "| torch | ",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("changes", "said", "measured"),
    [
        ({"results": None}, "has not been validated: no numbers are known", False),
        ({"steps": 99}, "numbers are of step 80; the adapter is of step 99 and has not", False),
        ({"base_results": None}, "The base was not validated in this run.", True),
        ({"stopped": "RunStopped"}, "The training did not end by itself: RunStopped", True),
    ],
    ids=["not validated", "validated before", "no base", "stopped"],
)
def test_it_is_honest(changes, said, measured):
    found = ModelCard(card(replace(FACTS, **changes)))
    assert said in found.text
    assert bool(found.data.eval_results) == measured


@pytest.mark.parametrize("base", ["world", "/a/secret/place/my-base"])
def test_a_base_that_no_hub_has_is_not_named_as_one(base):
    text = card(replace(FACTS, base=base))
    assert ModelCard(text).data.base_model is None
    assert "/a/secret" not in text
