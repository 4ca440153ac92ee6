from speciarl_pl.category import Category
from speciarl_pl.judge.llm.constraint import batch_field, one_field, tokens_needed

LABELS = [category.label for category in Category]


def test_fields_of_the_modes():
    assert one_field("choice", ["a", "b"]) == {"structured_outputs": {"choice": ["a", "b"]}}
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
    assert (
        batch_field("json_schema", ["a", "b"], 2)["response_format"]["json_schema"]["schema"]
        == schema
    )
    assert schema["required"] == list(schema["properties"]) == ["1", "2"]


def test_tokens_are_enough_for_a_label_of_single_bytes():
    assert tokens_needed(LABELS) > len('{"category": "more specific"}')
    assert tokens_needed(["é" * 9]) > len("é".encode()) * 9
