import torch

from speciarl_pl.policy.rows.inputs import row_inputs
from speciarl_pl.policy.rows.packing import RowLayout, layout_of, pack, predictor_index

from . import tiny

LAYOUT = RowLayout(prompts=(3, 2), completions=(2, 1, 4), sizes=(2, 1))


def test_layout_counts_tokens(policy):
    layout = layout_of(tiny.uneven_groups(policy))
    assert layout.prompts == (36, 56, 26)
    assert layout.completions == (5, 1, 9, 3, 7, 12, 4, 6, 2)
    assert layout.sizes == (3, 2, 4)
    assert layout.owners == [0, 0, 0, 1, 1, 2, 2, 2, 2]
    assert layout.prefix == 118


def test_a_first_token_is_predicted_by_the_end_of_its_prompt():
    # Row: p0 p0 p0 p1 p1 | a a | b | c c c c
    assert predictor_index(LAYOUT).tolist() == [2, 5, 2, 4, 8, 9, 10]


def test_row_holds_every_token_once(policy):
    groups = tiny.uneven_groups(policy)
    row = pack(policy.base, groups, policy.device)
    assert row.input_ids.shape == (1, 118 + 49)
    assert torch.equal(row.input_ids[0, 118:], row.targets)
    images = sum(int(group.prompt.mm_token_type_ids.sum()) for group in groups)
    assert int(row.image_mask.sum()) == images
    assert not row.image_mask[0, 118:].any()


def test_positions_are_those_of_a_row_of_its_own(policy):
    groups = tiny.uneven_groups(policy)
    row = pack(policy.base, groups, policy.device)
    completions = row.positions[:, 0, row.layout.prefix :].split(list(row.layout.completions), 1)
    pairs = [(group.prompt, rollout) for group in groups for rollout in group.rollouts]
    for found, (prompt, rollout) in zip(completions, pairs, strict=True):
        alone = row_inputs(policy.base, [prompt], [rollout.tokens], pad_token_id=0)
        expected, _ = policy.base.model.get_rope_index(
            alone["input_ids"], alone["mm_token_type_ids"], alone["image_grid_thw"]
        )
        assert torch.equal(found, expected[:, 0, prompt.input_ids.numel() :])
