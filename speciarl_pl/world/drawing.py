"""Draws one image of the world.

An easy object is painted in its colour; a hard one is a grey etching, crossed by fine lines, on
which no maker's mark is to be seen.
"""

from typing import Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from speciarl_pl.world.samples import WorldSpec
from speciarl_pl.world.shapes import SHAPES, Part, Point, Tone

SIZE: Final = 56
"""Height and width of an image in pixels: 4 x 4 patches of 14, 2 x 2 image tokens."""

PAINTS: Final = {
    "crimson": (205, 20, 40),
    "amber": (250, 185, 20),
    "emerald": (10, 150, 75),
    "azure": (35, 110, 235),
    "violet": (130, 45, 185),
    "umber": (110, 62, 25),
    "rose": (250, 130, 185),
}
"""RGB of each colour, 0 to 255, before it is varied."""

_OVERSAMPLING = 4
_CANVAS = SIZE * _OVERSAMPLING
_HATCH_GAP = 20
"""Canvas pixels between the lines of an etching."""
_NOISE = 6.0
"""Standard deviation of the pixel noise, of 255."""


def draw(spec: WorldSpec) -> Image.Image:
    """Draw `spec` as an RGB image of `SIZE` x `SIZE`; equal specs give equal pixels."""
    rng = np.random.default_rng([spec.seed, *spec.family.encode()])
    ground = _background(rng)
    figure, mask = _figure(spec, rng)
    figure.paste((0, 0, 0), mask=ImageChops.invert(mask))
    covered = _shrunk(mask)[:, :, None] / 255
    pixels = _shrunk(figure) + ground * (1 - covered)
    noisy = pixels + _NOISE * rng.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _shrunk(canvas: Image.Image) -> np.ndarray:
    return np.asarray(canvas.reduce(_OVERSAMPLING), dtype=np.float32)


def _background(rng: np.random.Generator) -> np.ndarray:
    """A pale, faintly tinted ground that grows darker to one side, float [SIZE, SIZE, 3]."""
    tint = rng.uniform(195, 245) + rng.uniform(-12, 12, 3)
    slope_x, slope_y = rng.uniform(-18, 18, 2)
    axis = np.linspace(-1, 1, SIZE)
    shade = slope_x * axis[None, :] + slope_y * axis[:, None]
    return np.asarray(tint[None, None, :] + shade[:, :, None])


def _figure(spec: WorldSpec, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """The painted object and where it is, 255 inside."""
    paint = _paint(spec, rng)
    place = _placement(rng)
    figure = Image.new("RGB", (_CANVAS, _CANVAS))
    mask = Image.new("L", (_CANVAS, _CANVAS))
    painter, masker = ImageDraw.Draw(figure), ImageDraw.Draw(mask)
    for part in SHAPES[spec.family]:
        corners = _placed(part, place)
        masker.polygon(corners, fill=0 if part.tone == "hole" else 255)
        painter.polygon(corners, fill=_tone(paint, part.tone))
    if not spec.easy:
        _hatch(painter, paint)
    return figure, mask


def _paint(spec: WorldSpec, rng: np.random.Generator) -> np.ndarray:
    """RGB of the body: the colour of an easy object, some grey for a hard one."""
    if spec.easy:
        return np.asarray(PAINTS[spec.mark]) + rng.uniform(-14, 14, 3)
    return np.full(3, rng.uniform(95, 135))


def _tone(paint: np.ndarray, tone: Tone) -> tuple[int, int, int]:
    mixed = {
        "body": paint,
        "dark": 0.62 * paint,
        "pale": 0.35 * paint + 165,
        "hole": np.zeros(3),
    }[tone]
    red, green, blue = (int(value) for value in np.clip(mixed, 0, 255))
    return red, green, blue


def _placement(rng: np.random.Generator) -> np.ndarray:
    """float64 [2, 3]: mirror, turn, scale and shift, from the unit square to the canvas."""
    turn = np.deg2rad(rng.uniform(-12, 12))
    scale = rng.uniform(0.36, 0.45) * _CANVAS
    mirror = rng.choice((-1.0, 1.0))
    stretch = rng.uniform(0.92, 1.08)
    across = scale * np.array([np.cos(turn), np.sin(turn)]) * mirror * stretch
    down = scale * np.array([-np.sin(turn), np.cos(turn)]) / stretch
    centre = _CANVAS * (0.5 + rng.uniform(-0.06, 0.06, 2))
    return np.stack([across, down, centre], axis=1)


def _placed(part: Part, place: np.ndarray) -> list[Point]:
    corners = np.asarray(part.points) @ place[:, :2].T + place[:, 2]
    return [(float(x), float(y)) for x, y in corners]


def _hatch(painter: ImageDraw.ImageDraw, paint: np.ndarray) -> None:
    """Slanted lines over the whole figure; the mask keeps those on the object."""
    line = _tone(0.55 * paint, "body")
    for start in range(-_CANVAS, _CANVAS, _HATCH_GAP):
        painter.line([(start, 0), (start + _CANVAS, _CANVAS)], fill=line, width=4)
