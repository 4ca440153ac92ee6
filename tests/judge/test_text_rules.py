import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speciarl_pl.answer import is_refusal
from speciarl_pl.judge.rules.names import loose_name, plain_name, singular_names
from speciarl_pl.judge.rules.reading import offers_choice, split_options

REFUSALS = (
    """none|None.|"None"|unknown|Unknown species|n/a|N/A|nothing|I don't know|I dont know
I do not know what this is|I\u2019m not sure|not sure|unsure|cannot tell|can't tell
Cannot determine|I cannot tell what this is|unable to identify
It cannot be determined from the image|no idea|idk|Sorry, I cannot identify this image
unidentifiable|abstain|none of these|I have no idea|I cannot tell what flower this is
unable to tell which breed of dog it is|It is not possible to determine the exact type
could not be identified|uncertain|unclear|I'm afraid I can't help with that.
I'd rather not guess.|I won't guess|There is not enough detail to tell
There isn't enough information in the image to identify the species|Insufficient information
It is hard to say.|It's difficult to determine the exact breed|hard to tell from this angle
The image is too blurry to identify the species|too dark and blurry to tell|unrecognizable
not identifiable|As an AI language model, I cannot identify it|I have no way of knowing
I don't have enough information|The object is not clearly visible.
I am unable to determine what this is.|No identifiable object|I do not recognize this
I'm not able to tell which species it is|it isn't possible to say for certain
I cannot confidently name it|Unfortunately, I am not certain.|indistinguishable|[unknown]
<unknown>|\\boxed{None}|{"answer": "unknown"}|It lacks sufficient detail
I must decline to answer
The species cannot be determined with certainty from this photo alone.
I can\u2019t make out what it is
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

NAMES = (
    """dog|nonesuch|none-so-pretty|unknown bird|not sure, maybe a dog|I don't know, a dog
cannot tell a lion from a tiger|can't say but it looks like a husky|nothing but a dog
passerine|cannot say which rose|I can not tell what dog this is, a samoyed|none but a dog
too small to be a lion|I'm not sure, a small bird|no bird|impossible burger|dark animal
hard to tell, dog|clear|very small|a light|unknown soldier|I am sure|never mind the dog
a photo of a dog|pass flower|unicorn|no-see-um|sure|I|this is a dog|canna|cant hook|noneya
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text):
    assert is_refusal(text)


@pytest.mark.parametrize("text", NAMES)
def test_names_are_no_refusals(text):
    assert not is_refusal(text)


OPTIONS = [
    ("robin", ["robin"]),
    ("robin or cardinal", ["robin", "cardinal"]),
    ("Robin OR cardinal", ["Robin", "cardinal"]),
    ("robin, cardinal, and jay", ["robin", "cardinal", "jay"]),
    ("robin/cardinal", ["robin", "cardinal"]),
    ("either robin or cardinal", ["robin", "cardinal"]),
    ("robin\ncardinal\n", ["robin", "cardinal"]),
    ("robin; cardinal | jay & wren", ["robin", "cardinal", "jay", "wren"]),
    ("robin vs. cardinal", ["robin", "cardinal"]),
    ("robin and/or cardinal", ["robin", "cardinal"]),
    ("robin + cardinal", ["robin", "cardinal"]),
    ("lion (Panthera leo)", ["lion", "Panthera leo"]),
    ("1,000 islands", ["1,000 islands"]),
    ("C++", ["C++"]),
    ("robin, ?", ["robin"]),
    ("sandpiper", ["sandpiper"]),
    ("oriole", ["oriole"]),
    ("black-and-tan", ["black-and-tan"]),
    ("", []),
]


@pytest.mark.parametrize(("text", "parts"), OPTIONS, ids=[text for text, _ in OPTIONS])
def test_split_options(text, parts):
    assert split_options(text) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a or b", True), ("Either one", True), ("a VS b", True), ("oriole", False), ("a/b", False)],
)
def test_offers_choice(text, expected):
    assert offers_choice(text) == expected


NAME_FORMS = [
    ("  The Lion. ", "lion", "lion"),
    ("a 707\u2013320", "707\u2013320", "707320"),
    ("theropod", "theropod", "theropod"),
    ("a", "a", "a"),
    ("Bishop\u2019s pine", "bishop's pine", "bishop'spine"),
    ("\u304c", "\u304c", "\u304c"),
    ("Crème brûlée", "crème brûlée", "cremebrulee"),
]


@pytest.mark.parametrize(("text", "plain", "loose"), NAME_FORMS)
def test_name_forms(text, plain, loose):
    assert (plain_name(text), loose_name(text)) == (plain, loose)


@pytest.mark.parametrize(
    ("text", "singular"),
    [
        ("lions", ("lion",)),
        ("Poppies", ("poppy", "poppie")),
        ("buses", ("bus", "buse")),
        ("finches", ("finch", "finche")),
        ("glass", ()),
        ("iris", ()),
        ("crocus", ()),
        ("gas", ()),
        ("dog", ()),
    ],
)
def test_singular_names(text, singular):
    assert singular_names(text) == singular


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_a_rule(text):
    is_refusal(text)
    offers_choice(text)
    loose_name(text)
    singular_names(text)
    assert plain_name(plain_name(text)) == plain_name(plain_name(plain_name(text)))
    assert all(any(map(str.isalnum, part)) for part in split_options(text))


@pytest.mark.parametrize("piece", [" ", "i ", "or ", ",", "sorry ", "is is", "- ", "\n", "a or"])
def test_rules_take_linear_time(piece):
    start = time.process_time()
    for rule in (is_refusal, split_options, offers_choice, loose_name, singular_names):
        rule(piece * 20_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It is a lion", "lion"),
        ("It's the Lion.", "lion"),
        ("This is a photo of an eland", "eland"),
        ("an image of lions", "lions"),
        ("A photograph of the lion", "lion"),
        ("photo of", "photo of"),
        ("it is", "it is"),
        ("photographer", "photographer"),
        ("This is not a lion", "not a lion"),
        ("a picture frame", "picture frame"),
    ],
)
def test_what_frames_a_name_is_dropped(text, name):
    assert plain_name(text) == name
