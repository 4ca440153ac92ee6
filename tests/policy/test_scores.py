import torch

from speciarl_pl.policy.scores import FlatScores, to_grid


def test_grid_pads_with_zeros_and_passes_the_gradient_on():
    flat = FlatScores(torch.arange(1.0, 7.0, requires_grad=True), torch.ones(6))
    grid = to_grid(flat, [1, 3, 2])
    assert grid.logprobs.tolist() == [[1, 0, 0], [2, 3, 4], [5, 6, 0]]
    assert grid.entropy.tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
    assert grid.mask.tolist() == [[True, False, False], [True, True, True], [True, True, False]]
    (grid.logprobs * 2).sum().backward()
    assert flat.logprobs.grad.tolist() == [2.0] * 6
