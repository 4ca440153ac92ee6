import pytest

from speciarl_pl.errors import JudgeError
from speciarl_pl.judge import CascadeJudge, ExactJudge
from speciarl_pl.judge.config import load_judge


@pytest.fixture
def load(tmp_path):
    def write(text):
        path = tmp_path / "judge.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_judge(path)

    return write


def test_a_judge_and_its_arguments(load):
    judge = load("class_path: ExactJudge\ninit_args: {unknown: unjudged}\n")
    assert isinstance(judge, ExactJudge)
    assert judge.unknown == "unjudged"


def test_judges_inside_a_judge(load):
    stages = "[{class_path: ExactJudge, init_args: {unknown: unjudged}}, {class_path: ExactJudge}]"
    judge = load(f"class_path: CascadeJudge\ninit_args: {{stages: {stages}}}\n")
    assert isinstance(judge, CascadeJudge)
    assert [stage.unknown for stage in judge.stages] == ["unjudged", "wrong"]


def test_a_service(load):
    judge = load("class_path: HTTPJudge\ninit_args: {url: 'http://node1:8765/'}\n")
    assert judge.url == "http://node1:8765"


def test_the_users_own_judge(load):
    assert load("class_path: service_tools.Echo\n").asked == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class_path: [", "cannot be read as YAML: while parsing"),
        (b"\xff", "cannot be read as YAML"),
        ("", "expected class_path and init_args of a judge, got 'None'"),
        ("- 3", r"expected class_path and init_args of a judge, got '\[3\]'"),
        ("class_path: 3", "expected class_path and init_args of a judge"),
        ("class_path: ExactJudge\ninit_arg: {}", "only, got also init_arg"),
        ("class_path: ExactJdge", "ExactJdge"),
        ("class_path: service_tools.until", "service_tools.until does not"),
        ("class_path: fractions.Fraction", "Fraction does not correspond to a subclass of Judge"),
        ("class_path: Judge", "Judge"),
        (
            "class_path: ExactJudge\ninit_args: {unknwn: wrong}",
            "ExactJudge: Option 'unknwn' is not",
        ),
        ("class_path: ExactJudge\ninit_args: {unknown: no}", "ExactJudge: unknown: Expected"),
        ("class_path: ExactJudge\ninit_args: 3", "judge.yaml: "),
        ("class_path: TaxonomyJudge\ninit_args: {taxonomy: x}", "taxonomy: expected one of"),
        ("class_path: TaxonomyJudge", "TaxonomyJudge: the following arguments are required"),
        ("class_path: CascadeJudge\ninit_args: {stages: []}", "stages: expected at least one"),
        (
            "class_path: CascadeJudge\ninit_args: {stages: [{class_path: ExactJudge, a: 1}]}",
            "CascadeJudge: ",
        ),
        ("class_path: HTTPJudge\ninit_args: {url: node1}", "url: expected one such as"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) or len(value) > 60 else value,
)
def test_a_mistake_is_one_line_that_names_the_file(load, text, message):
    with pytest.raises(JudgeError, match=message) as caught:
        load(text)
    assert "judge.yaml: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "NoneType" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(JudgeError, match="no such file, nor a configuration"):
        load_judge(tmp_path / "none.yaml")
