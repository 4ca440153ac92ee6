"""Labels that the judge of a run does not know, said before anything is drawn."""

from collections import Counter
from collections.abc import Iterator

from speciarl_pl.data.dataset import ImageDataset
from speciarl_pl.data.labels.known_labels import known_to, some, stages
from speciarl_pl.judge import ExactJudge, Judge, TaxonomyJudge


def label_warnings(judge: Judge, images: ImageDataset, role: str) -> Iterator[str]:
    """Say which labels of a data set the judge of a run cannot tell apart by levels.

    Nothing is said where a judge is asked that knows names without a list, such as an LLM, or one
    of a user's own.

    Args:
        judge: The judge, which need not be open: nothing is asked.
        images: The data set.
        role: What it is for, such as `train`.

    Example:
        >>> from speciarl_pl.data.datasets import WorldImages
        >>> images = ImageDataset(WorldImages("train", n=2, name="toy"), "")
        >>> (line,) = label_warnings(TaxonomyJudge("oxford_pets"), images, "train")
        >>> line.partition(":")[2].partition("(")[0]
        " data.judge does not know 2 of 2 labels of train data set 'toy' "
    """
    inside = list(stages(judge))
    if not all(isinstance(one, TaxonomyJudge | ExactJudge) for one in inside):
        return
    trees = [one for one in inside if isinstance(one, TaxonomyJudge)]
    if not trees:
        if role == "train":
            yield (
                "note: data.judge calls an answer right only if it is the label as it stands in "
                f"{role} data set {images.name!r}, and knows no levels between right and wrong; a "
                "tree of names or an LLM does, for instance --data.judge offline"
            )
        return
    rows = Counter(_rows(images))
    known = known_to(trees, list(rows))
    unknown = {row: number for row, number in rows.items() if row not in known}
    if unknown:
        yield (
            f"warning: data.judge does not know {len(unknown):,} of {len(rows):,} labels of {role} "
            f"data set {images.name!r} ({sum(unknown.values()):,} of {len(images):,} images)"
            f"{some([label for label, _ in unknown])}; answers to them are {_effect(inside[-1])}, "
            "but for the label itself and refusals"
        )


def _rows(images: ImageDataset) -> Iterator[tuple[str, str]]:
    """Label of each image, and the tree or data set that its pairs name."""
    table, own = images.listing, images.taxonomy or images.name
    named = table["taxonomy"][:] if "taxonomy" in table.column_names else [None] * len(table)
    return ((truth, name or own) for truth, name in zip(table["truth"][:], named, strict=True))


def _effect(last: Judge) -> str:
    calls_wrong = isinstance(last, ExactJudge) and last.unknown == "wrong"
    return "called wrong" if calls_wrong else "unjudged and masked"
