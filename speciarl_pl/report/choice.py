"""Which images a gallery shows."""

from collections.abc import Collection, Iterable, Sequence

from speciarl_pl.report.rollouts import ImageKey


def chosen_images(
    stages: Sequence[Iterable[ImageKey]], pictures: Collection[ImageKey], limit: int
) -> list[ImageKey]:
    """Choose at most `limit` images, as many of each data set as of the others.

    Args:
        stages: Images of each stage, in the order of their data sets.
        pictures: Images of which there is a picture; if any stage has one of them, only these are
            chosen.
        limit: How many at most.

    Example:
        >>> images = [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1")]
        >>> chosen_images([images], [], 3)
        [('a', '1'), ('a', '2'), ('b', '1')]
        >>> chosen_images([images], [("a", "2")], 3)
        [('a', '2')]
    """
    images = dict.fromkeys(key for stage in stages for key in stage)
    seen = [key for key in images if key in pictures] or list(images)
    by_dataset: dict[str, list[ImageKey]] = {}
    for key in seen:
        by_dataset.setdefault(key[0], []).append(key)
    shares = _shares([len(keys) for keys in by_dataset.values()], limit)
    return [
        keys[place * len(keys) // share]
        for keys, share in zip(by_dataset.values(), shares, strict=True)
        for place in range(share)
    ]


def _shares(sizes: Sequence[int], limit: int) -> list[int]:
    """Share `limit` out evenly; what a small data set cannot fill goes to the others."""
    shares = [0] * len(sizes)
    left = limit
    for done, place in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[place] = min(sizes[place], -(-left // (len(sizes) - done)))
        left -= shares[place]
    return shares
