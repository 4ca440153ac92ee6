import pytest

from speciarl_pl.older_protocol import Prediction
from speciarl_pl.older_protocol.hierarchy import AncestorSets, hierarchical
from speciarl_pl.older_protocol.prediction import distinct_pairs

PREDICTIONS = [
    Prediction("Samoyed", "Samoyed", sample_id="1"),
    Prediction("Samoyed", "dog", sample_id="1"),
    Prediction("Samoyed", "Siamese cat", sample_id="2"),
    Prediction("Samoyed", "None", sample_id="2"),
    Prediction("pug", None, sample_id="3"),
    Prediction("pug", "a thing with fur", sample_id="3"),
    Prediction("not in the tree", "dog", sample_id="4"),
    Prediction("", "dog", sample_id="5"),
]


def scored(predictions):
    return hierarchical(distinct_pairs(predictions), AncestorSets("oxford_pets"))


def test_equals_adding_up_by_hand():
    sets, shared, predicted, true = AncestorSets("oxford_pets"), 0, 0, 0
    for one in PREDICTIONS[:6]:
        truth = sets.of(one.truth)
        answer = (sets.of(one.answer) if one.answer else None) or set()
        shared += len(truth & answer)
        predicted += len(answer)
        true += len(truth)
    found = scored(PREDICTIONS)
    assert 0 < shared < predicted < true
    assert found["precision"] == pytest.approx(shared / predicted)
    assert found["recall"] == pytest.approx(shared / true)
    assert found["f1"] == pytest.approx(2 * shared / (predicted + true))
    assert (found["n"], found["unknown"], found["left_out"]) == (6, 3, 1)
    for name in ("precision", "recall", "f1"):
        low, high = found["ci95"][name]
        assert 0 <= low <= found[name] <= high <= 1


def test_copies_of_an_image_make_no_interval_narrower():
    answers = ["Samoyed", "dog", "cat"] * 10
    once = [Prediction("Samoyed", answer, sample_id=f"{i}") for i, answer in enumerate(answers)]
    assert scored(once * 8)["ci95"] == scored(once)["ci95"]
    independent = [Prediction(one.truth, one.answer) for one in once * 8]
    assert scored(independent)["ci95"]["f1"][0] > scored(once)["ci95"]["f1"][0]


@pytest.mark.parametrize("predictions", [[], PREDICTIONS[-2:]], ids=["none", "left out"])
def test_nothing_to_score(predictions):
    found = scored(predictions)
    assert (found["precision"], found["recall"], found["f1"], found["n"]) == (None, None, None, 0)
    assert set(found["ci95"].values()) == {None}
