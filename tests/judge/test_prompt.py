import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.category import Category
from speciarl_pl.errors import JudgeError
from speciarl_pl.judge.llm.prompt import PROMPTS, load_prompt
from speciarl_pl.records import Pair

NAMES = (
    "batch",
    "binary",
    "checklist",
    "decision_tree",
    "inclusion",
    "lenient",
    "single",
    "strict",
)
SIX = {category.label: category for category in Category}
HEAD = "version: 2\nlabels: {yes it is: specific, no it is not: wrong}"
GOOD = f"---\n{HEAD}\n---\n## system\nJudge {{}} {{1}}.\n## user\n{{truth}} / {{prediction}}\n"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_the_packaged_prompts():
    assert tuple(sorted(path.stem for path in PROMPTS.iterdir())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_packaged_prompt_says_what_a_judge_needs(name):
    prompt = load_prompt(name)
    assert (prompt.name, prompt.version, prompt.batch) == (name, "1", name == "batch")
    if name == "binary":
        assert set(prompt.labels) == {"correct", "incorrect", "declined"}
    elif name == "inclusion":
        assert set(prompt.labels) == {"yes", "no"}
    else:
        assert prompt.labels == SIX
    system = " ".join(prompt.system.split())
    for label in prompt.labels:
        assert re.search(rf"\b{label}\b", system)
    for said in ("several", "data and nothing else", "never follow", "decline", "JSON"):
        assert said in system
    assert max(map(len, (PROMPTS / f"{name}.txt").read_text().splitlines())) <= 100


@pytest.mark.parametrize("name", NAMES)
@given(texts=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_what_is_put_in_can_be_read_back(name, texts):
    prompt = load_prompt(name)
    pairs = [Pair(*two) for two in texts] if prompt.batch else [Pair(*texts[0])]
    system, user = prompt.messages(pairs)
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"] == prompt.system
    lines = user["content"].split("\n")
    if prompt.batch:
        read = [json.loads(line) for line in lines]
        assert [one["id"] for one in read] == list(range(1, len(pairs) + 1))
        assert [Pair(one["truth"], one["prediction"]) for one in read] == pairs
    else:
        truth, prediction = (line.split(": ", 1)[1] for line in lines)
        assert Pair(json.loads(truth), json.loads(prediction)) == pairs[0]


def test_fields_in_data_are_data(tmp_path):
    prompt = load_prompt(_write(tmp_path, GOOD))
    user = prompt.messages([Pair("{prediction}", "{truth} {pairs} {x}")])[1]["content"]
    assert user == '"{prediction}" / "{truth} {pairs} {x}"'


def test_a_file_of_ones_own(tmp_path):
    prompt = load_prompt(_write(tmp_path, GOOD.replace("\n", "\r\n")))
    assert (prompt.name, prompt.version) == ("mine", "2")
    assert prompt.labels == {"yes it is": Category.SPECIFIC, "no it is not": Category.WRONG}
    assert prompt.system == "Judge {} {1}."


def test_the_digest_is_of_the_whole_file(tmp_path):
    path = _write(tmp_path, GOOD + "\n")
    assert load_prompt(path).digest == hashlib.sha256((GOOD + "\n").encode()).hexdigest()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("---\n", "", "expected YAML between", id="no-front-matter"),
        pytest.param(HEAD, "labels: [", "YAML at the start cannot be read", id="bad-yaml"),
        pytest.param(HEAD, "", "expected 'version' and 'labels'", id="empty-front-matter"),
        pytest.param("version: 2\n", "", "missing: version", id="no-version"),
        pytest.param("version: 2", "version: [2]", "version: expected", id="odd-version"),
        pytest.param("version: 2", "version: ''", "version: expected", id="blank-version"),
        pytest.param("labels:", "label:", "missing: labels", id="no-labels"),
        pytest.param("version: 2", "version: 2\nmode: x", "unknown: mode", id="unknown-key"),
        pytest.param("version: 2", "version: 2\nbatch: 3", "batch: expected true", id="odd-batch"),
        pytest.param("yes it is:", "yes:", "expected a text .quote it., got True", id="yaml-yes"),
        pytest.param("yes it is:", "'...':", "letter or digit", id="label-of-marks"),
        pytest.param("yes it is:", "No It Is Not:", "more than case", id="labels-differ-in-case"),
        pytest.param(": specific", ": right", "category: expected one of", id="no-category"),
        pytest.param(HEAD, "version: 2\nlabels: {a: wrong}", "two or more", id="one-label"),
        pytest.param("## system\n", "", "after the YAML, got", id="no-system"),
        pytest.param("## user\n", "", "then the line '## user'", id="no-user"),
        pytest.param("## user", "## user\n## user", "then the line '## user'", id="user-twice"),
        pytest.param("Judge {} {1}.", "", "text below '## system'", id="empty-system"),
        pytest.param("{truth}", "", "missing below '## user': {truth}", id="no-truth"),
        pytest.param("{truth}", "{Truth}", "missing below '## user': {truth}", id="misspelt"),
        pytest.param("{truth}", "{truth} {x}", "not expected here: {x}", id="unknown-field"),
        pytest.param("{truth}", "{truth} {truth}", "once below '## user'", id="truth-twice"),
        pytest.param("{1}", "{truth}", "not expected here: {truth}", id="field-in-system"),
        pytest.param("version: 2", "version: 2\nbatch: true", "{pairs}", id="batch-without-pairs"),
    ],
)
def test_a_malformed_file_is_named_with_what_is_wrong(tmp_path, old, new, message):
    path = _write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(JudgeError, match=message) as raised:
        load_prompt(path)
    assert "mine.txt" in str(raised.value)


def test_no_such_prompt(tmp_path):
    with pytest.raises(JudgeError, match=r"prompt: expected one of batch, .* got 'singel'"):
        load_prompt("singel")
    with pytest.raises(JudgeError, match=r"none\.txt: the prompt cannot be read"):
        load_prompt(str(tmp_path / "none.txt"))
    (tmp_path / "bad.txt").write_bytes(b"---\n\xff")
    with pytest.raises(JudgeError, match=r"bad\.txt: the prompt cannot be read"):
        load_prompt(str(tmp_path / "bad.txt"))


def _write(folder, text):
    path = folder / "mine.txt"
    path.write_bytes(text.encode())
    return str(path)
