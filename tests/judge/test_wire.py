import json

from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.judge.wire import (
    decode_judgement,
    decode_line,
    encode_error,
    encode_judgement,
    encode_line,
    encode_pair,
    encode_reply,
    encode_request,
)
from speciarl_pl.records import Pair, Unjudged, Verdict

ANY = st.text(st.characters(exclude_categories=()))
"""Any text, lone surrogates included."""
JUDGEMENTS = st.one_of(
    st.builds(Verdict, st.sampled_from(Category), st.text(), st.booleans()),
    st.builds(Unjudged, st.text(min_size=1, max_size=50), st.booleans()),
)


@given(st.integers(0, 10**9), JUDGEMENTS)
def test_a_line_comes_back_as_it_was(index, judgement):
    line = encode_line(index, judgement)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_line(line) == (index, judgement)
    assert json.loads(line) == {"index": index, **json.loads(encode_judgement(judgement))}


@given(st.lists(JUDGEMENTS))
def test_a_reply_comes_back_as_it_was(judgements):
    found = json.loads(encode_reply(judgements))
    assert [decode_judgement(value) for value in found["verdicts"]] == judgements


@given(st.lists(st.builds(Pair, ANY, ANY, ANY)), st.booleans())
def test_a_request_comes_back_as_it_was(pairs, stream):
    found = json.loads(encode_request([encode_pair(pair) for pair in pairs], stream))
    assert [Pair(**pair) for pair in found.pop("pairs")] == pairs
    assert found == {"stream": stream}


def test_a_pair_without_data_set_is_sent_as_older_services_take_it():
    assert json.loads(encode_pair(Pair("a", "b"))) == {"truth": "a", "prediction": "b"}


@given(ANY)
def test_any_reason_can_be_sent(text):
    judgement = decode_judgement(json.loads(encode_judgement(Unjudged(text))))
    assert isinstance(judgement, Unjudged)
    assert isinstance(json.loads(encode_error(text))["detail"], str)


@given(st.binary())
def test_any_bytes_are_read_without_harm(line):
    found = decode_line(line)
    assert found is None or isinstance(found, int | tuple)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    st.dictionaries(
        st.sampled_from(["category", "source", "cached", "unjudged", "transient"]),
        JSON | st.sampled_from(["wrong", "specific", "Specific"]),
    )
)
def test_what_is_read_is_a_sound_judgement_or_none(value):
    found = decode_judgement(value)
    if isinstance(found, Verdict):
        assert found.category.label == value["category"]
        assert "unjudged" not in value
    elif found is not None:
        assert found.reason == value["unjudged"]
        assert "category" not in value
