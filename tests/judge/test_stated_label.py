import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.judge.llm.stated_label import read_batch, read_one

LABELS = [category.label for category in Category]
DEEP = "[" * 100_000


@pytest.mark.parametrize("label", LABELS)
def test_every_label_is_read_bare_and_from_json(label):
    assert read_one(f" {label}\n", LABELS) == label
    assert read_one(json.dumps({"category": label}), LABELS) == label


DRESSED = [
    "Specific",
    "SPECIFIC.",
    '**"specific"**',
    "`specific`.",
    "\u201cspecific.\u201d",
    "specific..",
    "<think>\nIs it wrong? generic?\n</think>\n\nspecific",
    "It could be wrong, or generic. </think> specific",
    "<think>a</think><think>b</think>specific",
    "<reasoning>wrong?</reasoning>specific",
    "specific<|im_end|>",
    "<|im_start|>specific<|im_end|>\n<|endoftext|>",
    "specific</s>",
    "Category: Specific.",
    "**Category:** specific",
    "**Category**: `specific`",
    "## Category: specific",
    "Answer: specific",
    "Final answer: **specific**",
    "The category is specific.",
    "The level is \u201cspecific\u201d.",
    "Verdict = specific",
    "\\boxed{specific}",
    "$\\boxed{\\text{specific}}$",
    "<answer>specific</answer>",
    "<|begin_of_box|>specific<|end_of_box|>",
    "It names the breed itself.\nCategory: specific",
    "Category: specific\nReason: it names the breed itself, so it is not wrong.",
    "It names the breed itself.\n\n**Specific**",
    "Specific\n\nIt names the breed itself.",
    "Label: Samoyed\nPrediction: a samoyed\nCategory: specific",
    "Category: specific\nFinal verdict: specific",
    '{"category": "specific"}',
    '{"category": "Specific."}',
    '{"Category": "specific"}',
    '{"category": "specific",}',
    '{"category": "specific", "why": "not wrong",\n}',
    '{"reasoning": "wrong?", "final_answer": "specific"}',
    '{"result": "specific"}',
    '```json\n{"category": "specific"}\n```',
    "```\nspecific\n```",
    '<think>hm</think>```json\n{"category": "specific",}\n```<|im_end|>',
]


@pytest.mark.parametrize("reply", DRESSED)
def test_what_states_one_label_is_read_whatever_it_wears(reply):
    assert read_one(reply, LABELS) == "specific"


@pytest.mark.parametrize(
    "reply", ["less_specific", "Less-specific", "LESS  SPECIFIC", '{"category": "less_specific"}']
)
def test_underscores_and_hyphens_join_words(reply):
    assert read_one(reply, LABELS) == "less specific"


NOT_STATED = [
    "",
    " ",
    ".",
    "not specific",
    "specific, wrong",
    "specific\nwrong",
    "specific\n\nwrong",
    "specific or more specific",
    "lessspecific",
    "It is specific.",
    "Category: specific or generic",
    "Category: specific\nCategory: wrong",
    "Category: specific\nFinal answer: more specific",
    "Category: not specific",
    "Category:",
    'Prediction: "Category: specific"',
    "The prediction is specific.",
    "1. specific\n2. generic",
    "<think>specific",
    "<think>a</think> <think>specific",
    "specific<think>",
    "\\boxed{specific} or \\boxed{wrong}",
    "<answer>specific</answer> or <answer>wrong</answer>",
    "specifi\u0441",
    "spec\u200bific",
    "4",
    "null",
    "less spec",
    "specific " * 100_000,
    '["specific"]',
    "{}",
    "[]",
    '{"category": 4}',
    '{"category": null}',
    '{"category": NaN}',
    '{"category": ["specific"]}',
    '{"category": {"category": "specific"}}',
    '{"category": "specific", "answer": "wrong"}',
    '{"category": "wrong", "category": "specific"}',
    '{"first": "specific", "second": "specific"}',
    '{"category": "specific"} {"category": "wrong"}',
    '{"category": "specific"',
    DEEP,
    '{"category": ' + "9" * 5000 + "}",
]


@pytest.mark.parametrize("reply", NOT_STATED, ids=lambda reply: repr(reply[:40]))
def test_no_reply_is_bent_into_a_label(reply):
    assert read_one(reply, LABELS) is None


def test_a_batch_is_read_by_number_not_by_place():
    reply = '{"3": "wrong", "1": "specific", "2": "generic"}'
    assert read_batch(reply, LABELS, 3) == ["specific", "generic", "wrong"]


@pytest.mark.parametrize(
    "reply",
    [
        '{"1": "wrong"}',
        '{"1": "wrong", "2": "wrong", "3": "wrong"}',
        '{"0": "wrong", "1": "wrong"}',
        '{"1": "wrong", "1": "specific"}',
        '{"1": "wrong", "1": "specific", "2": "wrong"}',
        '{"1": "wrong", "02": "wrong"}',
        '{"1": "wrong", "2": "rong"}',
        '{"1": "wrong", "2": null}',
        '["wrong", "specific"]',
        "wrong\nspecific",
        '<think>{"1": "wrong", "2": "specific"}',
        "",
        DEEP,
    ],
    ids=lambda reply: repr(reply[:50]),
)
def test_a_batch_that_does_not_fit_is_not_read(reply):
    assert read_batch(reply, LABELS, 2) is None


def test_a_batch_may_be_thought_about_and_fenced():
    reply = '<think>hm</think>\n```json\n{"1": "Wrong", "2": "more_specific",}\n```<|im_end|>'
    assert read_batch(reply, LABELS, 2) == ["wrong", "more specific"]


PIECES = [*LABELS, "Wrong", " ", "\n", "or", "not", '"', "{", "}", ":", ",", "category", "answer"]
WORDS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(WORDS)
def test_what_is_read_was_said_and_no_other_label_is_stated_beside_it(reply):
    label = read_one(reply, LABELS)
    if label is not None:
        lines = [line.strip(' "{}:,').casefold() for line in reply.splitlines()]
        assert any(line.endswith(label) for line in lines)
        assert {line for line in lines if line in LABELS} <= {label}


@given(st.lists(st.sampled_from([*LABELS, "other", 3, None]), max_size=4))
def test_a_batch_is_all_or_nothing(values):
    reply = json.dumps({str(number): value for number, value in enumerate(values, 1)})
    read = read_batch(reply, LABELS, 3)
    assert read == (values if len(values) == 3 and set(values) <= set(LABELS) else None)


@pytest.mark.parametrize(
    "piece", ["category: ", "<|im_end|>", "{", '"', "\\boxed{", "(1,2),", ",]"]
)
def test_long_replies_take_linear_time(piece):
    start = time.process_time()
    read_one(piece * 30_000, LABELS)
    assert time.process_time() - start < 2
