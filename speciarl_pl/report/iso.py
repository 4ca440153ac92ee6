"""The lines of the plane on which HM is the same."""

from collections.abc import Sequence
from typing import Any, Final

_STEPS: Final = 60
_DISTANCES: Final = (0.1, 0.05, 0.02, 0.01)
_FEWEST: Final = 3


def iso_hm(hm: float, x_domain: Sequence[float], y_domain: Sequence[float]) -> list[dict[str, Any]]:
    """Points of the line on which the harmonic mean is `hm`, inside a frame.

    Example:
        >>> line = iso_hm(0.5, [0, 1], [0, 1])
        >>> {round(2 / (1 / p["correctness"] + 1 / p["specificity"]), 6) for p in line}
        {0.5}
    """
    line = []
    for step in range(_STEPS + 1):
        x = x_domain[0] + (x_domain[1] - x_domain[0]) * step / _STEPS
        y = hm * x / (2 * x - hm) if 2 * x > hm else -1.0
        if y_domain[0] <= y <= y_domain[1]:
            line.append({"correctness": x, "specificity": y, "hm": f"HM {hm:.2f}"})
    return line


def iso_lines(x_domain: Sequence[float], y_domain: Sequence[float]) -> list[list[dict[str, Any]]]:
    """Lines at round values, so near to each other that a frame of any size has some.

    Example:
        >>> [line[0]["hm"] for line in iso_lines([0.80, 0.84], [0.80, 0.84])]
        ['HM 0.81', 'HM 0.82', 'HM 0.83']
    """
    for distance in _DISTANCES:
        levels = [place * distance for place in range(1, round(1 / distance))]
        lines = [line for hm in levels if len(line := iso_hm(hm, x_domain, y_domain)) > 1]
        if len(lines) >= _FEWEST:
            break
    return lines
