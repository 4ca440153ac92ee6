"""The outlines of the families, as tables of polygons on the square [-1, 1] x [-1, 1], y down."""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin
from typing import Final, Literal, TypeAlias

Point: TypeAlias = tuple[float, float]
Tone: TypeAlias = Literal["body", "dark", "pale", "hole"]


@dataclass(frozen=True, slots=True)
class Part:
    """One filled polygon; later parts cover earlier ones."""

    points: tuple[Point, ...]
    """Corners."""
    tone: Tone = "body"
    """The object's own paint, darker, paler, or the background seen through a hole."""


def _poly(*points: Point, tone: Tone = "body") -> Part:
    return Part(points, tone)


def _box(left: float, top: float, right: float, bottom: float, tone: Tone = "body") -> Part:
    return Part(((left, top), (right, top), (right, bottom), (left, bottom)), tone)


def _oval(x: float, y: float, rx: float, ry: float, tone: Tone = "body") -> Part:
    turns = [2 * pi * i / 28 for i in range(28)]
    return Part(tuple((x + rx * cos(t), y + ry * sin(t)) for t in turns), tone)


def _bar(a: Point, b: Point, width: float, tone: Tone = "body") -> Part:
    dx, dy = b[0] - a[0], b[1] - a[1]
    scale = width / 2 / (dx * dx + dy * dy) ** 0.5
    x, y = -dy * scale, dx * scale
    corners = ((a[0] + x, a[1] + y), (b[0] + x, b[1] + y), (b[0] - x, b[1] - y))
    return Part((*corners, (a[0] - x, a[1] - y)), tone)


def _burst(x: float, y: float, inner: float, outer: float, tips: int, tone: Tone = "body") -> Part:
    radii = [outer if i % 2 == 0 else inner for i in range(2 * tips)]
    turns = [pi * i / tips - pi / 2 for i in range(2 * tips)]
    pairs = zip(radii, turns, strict=True)
    return Part(tuple((x + r * cos(t), y + r * sin(t)) for r, t in pairs), tone)


def _path(width: float, *points: Point) -> tuple[Part, ...]:
    bars = tuple(_bar(a, b, width) for a, b in pairwise(points))
    return bars + tuple(_oval(x, y, width / 2, width / 2) for x, y in points)


def _ring(x: float, y: float, radius: float, width: float) -> tuple[Part, Part]:
    return _oval(x, y, radius, radius), _oval(x, y, radius - width, radius - width, "hole")


SHAPES: Final[dict[str, tuple[Part, ...]]] = {
    "triangle": (_poly((0, -0.9), (0.95, 0.75), (-0.95, 0.75)),),
    "hexagon": (_poly(*[(0.92 * cos(pi * i / 3), 0.92 * sin(pi * i / 3)) for i in range(6)]),),
    "star": (_burst(0, 0.05, 0.4, 1, 5),),
    "bowl": (
        _poly((-0.95, -0.25), (0.95, -0.25), (0.65, 0.35), (0.3, 0.6), (-0.3, 0.6), (-0.65, 0.35)),
        _oval(0, -0.25, 0.95, 0.2, "dark"),
        _box(-0.35, 0.55, 0.35, 0.75, "dark"),
    ),
    "jug": (
        *_ring(0.5, 0.0, 0.5, 0.18),
        _poly((-0.75, -0.8), (0.4, -0.8), (0.5, 0.85), (-0.6, 0.85)),
        _poly((-0.98, -0.85), (-0.4, -0.8), (-0.5, -0.3), tone="body"),
        _oval(-0.15, -0.78, 0.52, 0.1, "dark"),
    ),
    "vase": (
        _oval(0, 0.35, 0.65, 0.55),
        _box(-0.2, -0.6, 0.2, 0.1),
        _poly((-0.5, -0.95), (0.5, -0.95), (0.2, -0.5), (-0.2, -0.5)),
        _box(-0.35, 0.78, 0.35, 0.95, "dark"),
    ),
    "cherry": (
        _bar((-0.5, 0.4), (0.15, -0.9), 0.12, "dark"),
        _bar((0.5, 0.45), (0.15, -0.9), 0.12, "dark"),
        _oval(-0.5, 0.45, 0.43, 0.43),
        _oval(0.5, 0.5, 0.43, 0.43),
    ),
    "banana": (
        _poly(
            *((-0.95, -0.5), (-0.75, 0.1), (-0.3, 0.5), (0.3, 0.55), (0.75, 0.2), (0.95, -0.5)),
            *((0.8, -0.55), (0.5, -0.15), (0.15, 0.05), (-0.2, 0.0), (-0.55, -0.25), (-0.8, -0.6)),
        ),
    ),
    "pear": (
        _oval(0, 0.4, 0.62, 0.55),
        _oval(0, -0.25, 0.36, 0.4),
        _bar((0, -0.6), (0.15, -0.98), 0.12, "dark"),
        _poly((0.12, -0.75), (0.65, -0.95), (0.5, -0.6), tone="dark"),
    ),
    "ray": (
        _poly((0, -0.8), (1, -0.05), (0, 0.4), (-1, -0.05)),
        _bar((0, 0.3), (0.1, 1), 0.1, "dark"),
        _oval(-0.15, -0.5, 0.08, 0.08, "dark"),
        _oval(0.15, -0.5, 0.08, 0.08, "dark"),
    ),
    "carp": (
        _oval(-0.2, 0, 0.7, 0.42),
        _poly((0.4, 0), (0.98, -0.5), (0.85, 0), (0.98, 0.5)),
        _poly((-0.4, -0.35), (0.2, -0.75), (0.25, -0.3), tone="dark"),
        _oval(-0.6, -0.1, 0.09, 0.09, "pale"),
    ),
    "eel": _path(
        *(0.24, (-0.95, 0.1), (-0.7, -0.3), (-0.4, -0.3), (-0.15, 0.1), (0.1, 0.4)),
        *((0.4, 0.4), (0.65, 0.0), (0.95, -0.25)),
    ),
    "spade": (
        _box(-0.1, -0.85, 0.1, 0.2, "dark"),
        _box(-0.35, -1, 0.35, -0.8, "dark"),
        _poly((-0.5, 0.05), (0.5, 0.05), (0.45, 0.6), (0, 1), (-0.45, 0.6)),
    ),
    "hammer": (
        _box(-0.11, -0.4, 0.11, 1, "dark"),
        _poly((-0.75, -0.85), (0.5, -0.85), (0.85, -0.45), (0.5, -0.4), (-0.75, -0.4)),
    ),
    "saw": (
        _poly(
            *((-1, -0.15), (0.4, -0.4), (0.4, 0.4), (0.2, 0.2), (0, 0.4), (-0.2, 0.2)),
            *((-0.4, 0.4), (-0.6, 0.2), (-0.8, 0.35), (-1, 0.1)),
        ),
        _box(0.4, -0.5, 0.98, 0.5, "dark"),
        _box(0.58, -0.22, 0.8, 0.22, "hole"),
    ),
    "bus": (
        _box(-0.98, -0.6, 0.98, 0.4),
        *[_box(x, -0.42, x + 0.36, -0.05, "pale") for x in (-0.85, -0.4, 0.05, 0.5)],
        _oval(-0.55, 0.45, 0.22, 0.22, "dark"),
        _oval(0.55, 0.45, 0.22, 0.22, "dark"),
    ),
    "bicycle": (
        *_ring(-0.55, 0.35, 0.45, 0.14),
        *_ring(0.55, 0.35, 0.45, 0.14),
        *_path(0.14, (-0.55, 0.35), (-0.2, -0.35), (0.4, -0.35), (0.0, 0.35), (-0.2, -0.35)),
        *_path(0.14, (0.55, 0.35), (0.35, -0.7), (0.65, -0.75)),
        _box(-0.4, -0.55, 0.0, -0.4, "dark"),
    ),
    "tractor": (
        _box(-0.2, -0.15, 0.9, 0.35),
        _box(-0.6, -0.85, 0.0, 0.3),
        _box(-0.45, -0.7, -0.12, -0.3, "pale"),
        _box(0.55, -0.6, 0.68, -0.1, "dark"),
        _oval(-0.4, 0.35, 0.55, 0.55, "dark"),
        _oval(-0.4, 0.35, 0.2, 0.2, "pale"),
        _oval(0.65, 0.6, 0.28, 0.28, "dark"),
    ),
    "tower": (
        _box(-0.38, -0.7, 0.38, 1),
        *[_box(x, -1, x + 0.22, -0.65) for x in (-0.5, -0.11, 0.28)],
        _box(-0.5, -0.72, 0.5, -0.55),
        _box(-0.13, -0.3, 0.13, 0.1, "dark"),
        _box(-0.16, 0.55, 0.16, 1, "dark"),
    ),
    "hut": (
        _box(-0.7, -0.1, 0.7, 0.8),
        _poly((0, -0.9), (1, 0), (-1, 0), tone="dark"),
        _box(-0.2, 0.2, 0.2, 0.8, "pale"),
    ),
    "windmill": (
        _poly((-0.25, -0.3), (0.25, -0.3), (0.45, 1), (-0.45, 1)),
        _bar((-0.8, -0.98), (0.8, 0.5), 0.2, "dark"),
        _bar((0.8, -0.98), (-0.8, 0.5), 0.2, "dark"),
        _oval(0, -0.24, 0.16, 0.16, "pale"),
    ),
    "table": (
        _box(-1, -0.45, 1, -0.2),
        _box(-0.85, -0.2, -0.65, 0.75, "dark"),
        _box(0.65, -0.2, 0.85, 0.75, "dark"),
    ),
    "chair": (
        _box(-0.6, -0.98, -0.38, 1, "dark"),
        _box(-0.6, -0.95, -0.25, -0.2),
        _box(-0.6, 0.1, 0.6, 0.35),
        _box(0.4, 0.35, 0.6, 1, "dark"),
    ),
    "bed": (
        _box(-1, -0.6, -0.78, 0.65, "dark"),
        _box(0.78, -0.1, 1, 0.65, "dark"),
        _box(-0.8, 0.0, 0.8, 0.42),
        _oval(-0.5, -0.1, 0.28, 0.16, "pale"),
    ),
    "daisy": (
        *[_oval(0.6 * cos(pi * i / 4), 0.6 * sin(pi * i / 4), 0.27, 0.27) for i in range(8)],
        _oval(0, 0, 0.34, 0.34, "pale"),
    ),
    "tulip": (
        _box(-0.07, 0, 0.07, 1, "dark"),
        _poly((0, 0.95), (0.6, 0.3), (0.4, 0.85), tone="dark"),
        _poly((-0.5, -0.95), (-0.2, -0.5), (0, -1), (0.2, -0.5), (0.5, -0.95), (0.4, 0), (-0.4, 0)),
        _oval(0, -0.05, 0.4, 0.25),
    ),
    "thistle": (
        _box(-0.07, 0, 0.07, 1, "dark"),
        _burst(0, -0.35, 0.3, 0.65, 9),
        _oval(0, -0.2, 0.24, 0.24, "dark"),
        _poly((0, 0.8), (0.55, 0.45), (0.35, 0.75), tone="dark"),
        _poly((0, 0.8), (-0.55, 0.45), (-0.35, 0.75), tone="dark"),
    ),
    "crown": (
        _poly(
            *((-0.9, 0.65), (-0.95, -0.6), (-0.45, 0), (0, -0.85), (0.45, 0), (0.95, -0.6)),
            (0.9, 0.65),
        ),
        _box(-0.9, 0.4, 0.9, 0.65, "dark"),
    ),
    "fedora": (
        _oval(0, 0.4, 1, 0.25),
        _poly((-0.5, 0.4), (-0.45, -0.5), (-0.15, -0.65), (0, -0.5), (0.15, -0.65), (0.5, 0.4)),
        _box(-0.52, 0.1, 0.52, 0.32, "dark"),
    ),
    "fez": (
        _poly((-0.5, -0.6), (0.5, -0.6), (0.75, 0.8), (-0.75, 0.8)),
        _oval(0, -0.6, 0.5, 0.12, "dark"),
        _bar((0, -0.65), (0.85, -0.55), 0.1, "dark"),
        _bar((0.85, -0.55), (0.9, 0.2), 0.16, "dark"),
    ),
    "pine": (
        _box(-0.12, 0.6, 0.12, 1, "dark"),
        _poly((0, -1), (0.4, -0.4), (-0.4, -0.4)),
        _poly((0, -0.65), (0.6, 0.1), (-0.6, 0.1)),
        _poly((0, -0.2), (0.8, 0.65), (-0.8, 0.65)),
    ),
    "palm": (
        _bar((0.15, 1), (0, -0.4), 0.16, "dark"),
        _poly((0, -0.45), (-0.5, -0.75), (-1, -0.2), (-0.5, -0.45)),
        _poly((0, -0.45), (0.5, -0.75), (1, -0.2), (0.5, -0.45)),
        _poly((0, -0.45), (-0.3, -1), (-0.75, -0.9), (-0.35, -0.75)),
        _poly((0, -0.45), (0.3, -1), (0.75, -0.9), (0.35, -0.75)),
        _poly((0, -0.5), (-0.5, -0.2), (-0.6, 0.3), (-0.25, -0.1)),
        _poly((0, -0.5), (0.5, -0.2), (0.6, 0.3), (0.25, -0.1)),
    ),
    "oak": (
        _box(-0.16, 0.2, 0.16, 1, "dark"),
        _oval(-0.45, -0.15, 0.48, 0.42),
        _oval(0.45, -0.15, 0.48, 0.42),
        _oval(0, -0.5, 0.55, 0.48),
    ),
    "drum": (
        _box(-0.75, -0.35, 0.75, 0.55),
        _oval(0, 0.55, 0.75, 0.25),
        _oval(0, -0.35, 0.75, 0.25, "pale"),
        _bar((-0.1, -0.35), (-0.8, -0.95), 0.1, "dark"),
        _bar((0.1, -0.35), (0.8, -0.95), 0.1, "dark"),
    ),
    "guitar": (
        _oval(-0.1, 0.6, 0.5, 0.4),
        _oval(-0.05, 0.1, 0.36, 0.32),
        _bar((-0.03, 0.1), (0.12, -0.98), 0.15, "dark"),
        _oval(-0.08, 0.35, 0.14, 0.14, "dark"),
    ),
    "trumpet": (
        _bar((-0.95, -0.1), (0.5, -0.1), 0.14),
        _poly((0.35, -0.18), (0.95, -0.6), (0.95, 0.4), (0.35, -0.02)),
        *_ring(-0.1, 0.15, 0.32, 0.12),
        *[_box(x, -0.45, x + 0.1, -0.1, "dark") for x in (-0.35, -0.15, 0.05)],
    ),
}
"""Parts of each family, in the order in which they are painted."""
