import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.judge.constraint import (
    MODES,
    batch_field,
    one_field,
    read_batch,
    read_one,
    tokens_needed,
)

LABELS = [category.label for category in Category]
PIECES = [
    *LABELS,
    "Wrong",
    " ",
    "or",
    "not",
    '"',
    "{",
    "}",
    ":",
    ",",
    "category",
    "1",
    "2",
    "[",
    "]",
]
WORDS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
DEEP = "[" * 100_000


def test_fields_of_the_modes():
    assert one_field("choice", ["a", "b"]) == {"structured_outputs": {"choice": ["a", "b"]}}
    assert one_field("guided_choice", ["a", "b"]) == {"guided_choice": ["a", "b"]}
    assert one_field("text", ["a", "b"]) == batch_field("text", ["a", "b"], 3) == {}
    held = one_field("json_schema", ["a", "b"])["response_format"]["json_schema"]
    assert held["strict"] is True
    assert held["schema"] == {
        "type": "object",
        "properties": {"category": {"type": "string", "enum": ["a", "b"]}},
        "required": ["category"],
        "additionalProperties": False,
    }


def test_a_batch_is_held_to_one_schema_in_each_mode():
    schema = batch_field("choice", ["a", "b"], 2)["structured_outputs"]["json"]
    assert batch_field("guided_choice", ["a", "b"], 2)["guided_json"] == schema
    assert (
        batch_field("json_schema", ["a", "b"], 2)["response_format"]["json_schema"]["schema"]
        == schema
    )
    assert schema["required"] == list(schema["properties"]) == ["1", "2"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("label", LABELS)
def test_every_label_is_read_in_every_mode(mode, label):
    reply = json.dumps({"category": label}) if mode == "json_schema" else f" {label}\n"
    assert read_one(mode, reply, LABELS) == label


@pytest.mark.parametrize(
    "reply",
    [
        "Specific",
        "SPECIFIC.",
        '**"specific"**',
        "`specific`.",
        "\u201cspecific.\u201d",
        "<think>\nIs it wrong? generic?\n</think>\n\nspecific",
    ],
)
def test_harmless_dress_of_a_text(reply):
    assert read_one("text", reply, LABELS) == "specific"
    assert read_one("choice", reply, LABELS) is None


@pytest.mark.parametrize(
    "reply",
    [
        "",
        " ",
        ".",
        "specific..",
        "specific!",
        "not specific",
        "specific, wrong",
        "specific\nwrong",
        "specific or more specific",
        "less_specific",
        "lessspecific",
        "The level is specific.",
        "<think>specific",
        "specific<think>wrong</think>",
        "<think>a</think><think>b</think>specific",
        '{"category": "specific"}',
        '["specific"]',
        "specifi\u0441",
        "spec\u200bific",
        "4",
        "null",
        "specific " * 100_000,
        "less spec",
    ],
    ids=lambda reply: repr(reply[:30]),
)
def test_no_text_is_bent_into_a_label(reply):
    assert read_one("text", reply, LABELS) is None
    assert read_one("choice", reply, LABELS) is None


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "specific",
        '"specific"',
        "null",
        "4",
        "[]",
        "{}",
        '["specific"]',
        '{"category": 4}',
        '{"category": null}',
        '{"category": "Specific"}',
        '{"category": "specific "}',
        '{"category": ["specific"]}',
        '{"category": {"category": "specific"}}',
        '{"Category": "specific"}',
        '{"category": "specific", "why": "x"}',
        '{"category": "wrong", "category": "specific"}',
        '{"category": "specific"} {"category": "wrong"}',
        '{"category": "specific"',
        '{"category": NaN}',
        DEEP,
        '{"category": ' + "9" * 5000 + "}",
    ],
    ids=lambda reply: repr(reply[:40]),
)
def test_no_json_is_bent_into_a_label(reply):
    assert read_one("json_schema", reply, LABELS) is None


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_is_read_by_number_not_by_place(mode):
    reply = '{"3": "wrong", "1": "specific", "2": "generic"}'
    assert read_batch(mode, reply, LABELS, 3) == ["specific", "generic", "wrong"]


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
        "",
        DEEP,
    ],
    ids=lambda reply: repr(reply[:50]),
)
@pytest.mark.parametrize("mode", MODES)
def test_a_batch_that_does_not_fit_is_not_read(mode, reply):
    assert read_batch(mode, reply, LABELS, 2) is None


def test_a_text_batch_may_be_thought_about_and_fenced():
    reply = '<think>hm</think>\n```json\n{"1": "wrong", "2": "specific"}\n```'
    assert read_batch("text", reply, LABELS, 2) == ["wrong", "specific"]
    assert read_batch("json_schema", reply, LABELS, 2) is None


@given(WORDS, st.sampled_from(MODES))
@example("less specific", "text")
def test_what_is_read_was_said_and_nothing_else(reply, mode):
    label = read_one(mode, reply, LABELS)
    if label is not None:
        said = json.loads(reply)["category"] if mode == "json_schema" else reply
        assert said.strip(' "').casefold() == label


@given(st.lists(st.sampled_from([*LABELS, "other", 3, None]), max_size=4), st.sampled_from(MODES))
def test_a_batch_is_all_or_nothing(values, mode):
    reply = json.dumps({str(number): value for number, value in enumerate(values, 1)})
    read = read_batch(mode, reply, LABELS, 3)
    assert read == (values if len(values) == 3 and set(values) <= set(LABELS) else None)


def test_tokens_are_enough_for_a_label_of_single_bytes():
    assert tokens_needed(LABELS) > len('{"category": "more specific"}')
    assert tokens_needed(["é" * 9]) > len("é".encode()) * 9
