import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from speciarl_pl.older_protocol import Prediction
from speciarl_pl.older_protocol.text_pairs import distinct_pairs

NAMES = st.sampled_from(["", " ", "cat", "dog", "a\ud800"])
PREDICTIONS = st.lists(
    st.builds(
        Prediction,
        truth=NAMES,
        answer=st.one_of(st.none(), NAMES),
        sample_id=st.sampled_from(["", "1", "2"]),
    ),
    max_size=20,
)


def triples(found):
    """How often each pair occurs, by image, as the arrays say."""
    places = zip(found.pair_of.tolist(), found.image_of.tolist(), strict=True)
    return Counter((found.pairs[pair], image) for pair, image in places)


@given(PREDICTIONS, st.randoms(use_true_random=False))
def test_holds_every_prediction_with_a_truth(predictions, shuffler):
    found = distinct_pairs(predictions)
    kept = [one for one in predictions if one.truth.strip()]
    assert len(found.pairs) == len({(one.truth, one.answer) for one in kept})
    pairs = Counter(found.pairs[place] for place in found.pair_of.tolist())
    assert pairs == Counter((one.truth, one.answer) for one in kept)
    images = {one.sample_id for one in kept if one.sample_id}
    alone = sum(not one.sample_id for one in kept)
    assert sorted(set(found.image_of.tolist())) == list(range(len(images) + alone))
    assert found.repeats_images is (len(images) + alone < len(kept))
    shuffled = list(predictions)
    shuffler.shuffle(shuffled)
    again = distinct_pairs(shuffled)
    assert again.pairs == found.pairs
    assert again.pair_of.equal(found.pair_of)
    assert again.image_of.equal(found.image_of)


def test_images_keep_their_answers():
    predictions = [Prediction("cat", str(i % 3), sample_id=f"{i // 4}") for i in range(20)]
    expected = Counter(
        (("cat", str(i % 3)), sorted(map(str, range(5))).index(str(i // 4))) for i in range(20)
    )
    random.Random(0).shuffle(predictions)
    assert triples(distinct_pairs(predictions)) == expected


def test_equal_answers_lie_side_by_side():
    found = distinct_pairs(Prediction(truth, answer) for truth in "cab" for answer in ("y", None))
    assert found.pairs == (
        ("a", None),
        ("b", None),
        ("c", None),
        ("a", "y"),
        ("b", "y"),
        ("c", "y"),
    )


def test_goes_through_its_input_once():
    found = distinct_pairs(iter([Prediction("cat", "cat")] * 3))
    assert (found.pairs, found.pair_of.tolist()) == ((("cat", "cat"),), [0, 0, 0])
