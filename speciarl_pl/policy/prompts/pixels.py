"""`min_pixels` and `max_pixels`, told to each image processor in its own terms.

Both are areas of an image as the vision tower sees it. Some processors take an area, others a
longest edge, a number of tiles, or a list of shapes, and some know a single size. A limit that
they cannot keep is refused: it is never left aside in silence. Where a small picture of the whole
goes along with the tiles of an image, it is not counted.
"""

import math
from collections.abc import Mapping
from typing import Any, NoReturn


def limit_pixels(images: Any, min_pixels: int | None, max_pixels: int | None) -> None:
    """Make an image processor keep to limits.

    Args:
        images: An image processor of transformers; changed in place.
        min_pixels: Least area, or None for its own.
        max_pixels: Largest area, or None for its own.

    Raises:
        ValueError: Names the limit that this processor cannot keep, and one that it could.
    """
    least, most = min_pixels, max_pixels
    if least is None and most is None:
        return
    if least is not None and most is not None and least > most:
        raise ValueError(f"min_pixels: expected at most max_pixels={most}, got {least}")
    if hasattr(images, "merge_size"):
        _areas(images, least, most)
    elif getattr(images, "image_grid_pinpoints", None):
        _shapes(images, least, most)
    elif getattr(images, "max_patches", None) is not None:
        _tiles(images, least, most)
    elif getattr(images, "max_image_size", None):
        _mosaic(images, least, most)
    elif _edge(images.size, "longest_edge") and not _edge(images.size, "shortest_edge"):
        _longest_edge(images, least, most)
    else:
        _one_size(images, least, most)


def share_shapes(model: Any, images: Any) -> None:
    """Tell a model which shapes its image processor chooses among, where it counts by them."""
    if getattr(model.config, "image_grid_pinpoints", None):
        model.config.image_grid_pinpoints = images.image_grid_pinpoints


def _areas(images: Any, least: int | None, most: int | None) -> None:
    """Qwen-VL and GLM-4V, whose edges are areas in truth; the latter's of all frames together."""
    frames = images.temporal_patch_size if type(images).__name__.startswith("Glm") else 1
    low, high = (_edge(images.size, name) for name in ("shortest_edge", "longest_edge"))
    # Where only one is asked for and goes past the other, that gives way.
    low = least * frames if least is not None else min(low, (most or high) * frames)
    high = most * frames if most is not None else max(high, low)
    _resize(images, {"shortest_edge": low, "longest_edge": high})


def _shapes(images: Any, least: int | None, most: int | None) -> None:
    """LLaVA-NeXT and LLaVA-OneVision: of the shapes that they know, those that fit."""
    shapes = [list(shape) for shape in images.image_grid_pinpoints]
    fits = [s for s in shapes if (least or 0) <= math.prod(s) <= (most or math.inf)]
    if not fits:
        known = sorted({math.prod(shape) for shape in shapes})
        _refuse(images, least, most, f"which knows images of {_listed(known)} pixels")
    images.image_grid_pinpoints = fits


def _tiles(images: Any, least: int | None, most: int | None) -> None:
    """InternVL: a number of tiles."""
    tile = _area(images.size)
    fewest = images.min_patches if least is None else math.ceil(least / tile)
    largest = images.max_patches if most is None else most // tile
    if largest < 1 or fewest > largest:
        _refuse(images, least, most, f"which cuts images into whole tiles of {tile} pixels")
    images.min_patches, images.max_patches = fewest, largest


def _mosaic(images: Any, least: int | None, most: int | None) -> None:
    """Idefics 3 and SmolVLM: a longest edge, which all images are brought to, of whole tiles."""
    tile = _edge(images.max_image_size, "longest_edge")
    along = _edge(images.size, "longest_edge") // tile
    if most is not None:
        along = min(along, math.isqrt(most) // tile)
    if along < 1 or (least or 0) > tile * tile * along:  # the least that a strip of tiles has
        _refuse(images, least, most, f"which cuts images into whole tiles of {tile**2} pixels")
    _resize(images, {"longest_edge": tile * along})


def _longest_edge(images: Any, least: int | None, most: int | None) -> None:
    """Pixtral: a longest edge, to which larger images are shrunk; none is enlarged."""
    if least is not None:
        _refuse(images, least, most, "which enlarges no image")
    _resize(images, {"longest_edge": min(math.isqrt(most or 0), images.size["longest_edge"])})


def _one_size(images: Any, least: int | None, most: int | None) -> None:
    """CLIP, SigLIP and the like know one size, Mllama one number of tiles."""
    area = _area(getattr(images, "crop_size", None) or images.size)
    area *= getattr(images, "max_image_tiles", None) or 1
    if getattr(images, "do_pan_and_scan", None):
        area *= 1 + images.pan_and_scan_max_num_crops
    if not (least or 0) <= area <= (most or math.inf):
        _refuse(images, least, most, f"which makes every image one of {area} pixels")


def _refuse(images: Any, least: int | None, most: int | None, why: str) -> NoReturn:
    asked = {"min_pixels": least, "max_pixels": most}
    given = ", ".join(f"{name}={value}" for name, value in asked.items() if value is not None)
    name = "max_pixels" if most is not None else "min_pixels"
    raise ValueError(
        f"{name}: expected limits that {type(images).__name__} can keep, {why}, got {given}; "
        "leave them out or choose others"
    )


def _resize(images: Any, size: Mapping[str, int]) -> None:
    """Set the size, in the form that this version of transformers keeps it in."""
    images.size = type(images.size)(**size)


def _edge(size: Any, name: str) -> int:
    """An entry of a size; 0 if it has none."""
    found = size.get(name) if isinstance(size, Mapping) else getattr(size, name, None)
    return int(found or 0)


def _area(size: Any) -> int:
    edge = _edge(size, "shortest_edge")
    return (_edge(size, "height") or edge) * (_edge(size, "width") or edge)


def _listed(numbers: list[int]) -> str:
    return " or ".join(str(number) for number in numbers)
