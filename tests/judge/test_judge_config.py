from pathlib import Path

import pytest
from jsonargparse import ArgumentParser

from speciarl_pl.judge import ExactJudge, Judge, TaxonomyJudge

TREE = str(Path(__file__).with_name("small_tree.csv"))


@pytest.mark.parametrize(
    ("judge_class", "arguments"),
    [
        (ExactJudge, {"unknown": "unjudged"}),
        (TaxonomyJudge, {"taxonomy": TREE, "close_levels": 2, "unknown": "unjudged"}),
    ],
    ids=["exact", "taxonomy"],
)
def test_can_be_named_in_a_config(judge_class, arguments):
    parser = ArgumentParser()
    parser.add_subclass_arguments(Judge, "judge")
    config = {"class_path": judge_class.__name__, "init_args": arguments}
    judge = parser.instantiate(parser.parse_object({"judge": config})).judge
    assert isinstance(judge, judge_class)
    assert judge.unknown == "unjudged"
