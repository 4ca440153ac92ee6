"""Any folder of class sub-folders."""

from collections.abc import Sequence
from pathlib import Path

from datasets.arrow_dataset import Dataset

from speciarl_pl.data.labels.label_styles import Labeller, LabelStyle
from speciarl_pl.data.reading.folder_levels import (
    LabelLevel,
    is_no_class,
    label_folders,
    pick_split,
)
from speciarl_pl.data.reading.left_out import LeftOut
from speciarl_pl.data.reading.listing import is_hidden, require_folder, walk_images
from speciarl_pl.data.source import FileSource, file_table
from speciarl_pl.errors import DataError


class ImageFolder(FileSource):
    """Images sorted into one sub-folder a class; the folder's name is the label.

    Images may lie at any depth below the class folder. Files that are no images, files beside
    the class folders, hidden folders and those that systems and archives leave (`__MACOSX`,
    `@eaDir`, `annotations`) are left out, counted and named in `notes`. Folders that are splits
    (`train`, `val`, `test`) are no labels: give one of them as `root`, or as `split_folder`.

    Args:
        root: Folder that holds the class folders.
        label_style: How a folder's name becomes the label: `plain` (default) turns `_` into a
            blank; `numbered` also drops the `001.` of CUB-200-2011, `indexed` any leading number;
            `wordnet` reads `n02085620-Chihuahua`, `inaturalist` the species that ends
            `00001_Animalia_..._Lumbricus_terrestris`; `id` is an id of `label_map`; `raw` keeps the
            name.
        name: Name of the data set; the name of `root` by default.
        limit: Keep at most this many images, drawn with `seed`.
        seed: Seed of that draw.
        include: Keep the images of these labels alone.
        exclude: Leave out the images of these labels.
        label_map: File that says what ids stand for (CSV or TSV with the columns id,name; JSON;
            .txt): a folder's name, or the id that it begins with, becomes that name.
        label_level: Which folder is the label: `top`, the first below `root`; `leaf`, the one that
            the image lies in; a number of levels below `root`, from 1. By default the first on the
            way down that holds images itself, with a warning where that is not the top.
        split_folder: Which of the folders `train`, `val`, `test` (or whatever they are named) below
            `root`; `all` takes all together.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> ImageFolder("data/birds").name
        'birds'
    """

    def __init__(
        self,
        root: str,
        label_style: LabelStyle | None = None,
        name: str | None = None,
        limit: int | None = None,
        seed: int = 0,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
        label_map: str | None = None,
        label_level: LabelLevel | None = None,
        split_folder: str | None = None,
    ) -> None:
        super().__init__(name or Path(root).name or "folder", limit, seed, include, exclude)
        if isinstance(label_level, int) and label_level < 1:
            raise ValueError(f"label_level: expected top, leaf or an int >= 1, got {label_level}")
        self.root = root
        self.label_level = label_level
        self.split_folder = split_folder
        self._labeller = Labeller(label_style, "plain", label_map)
        self.labels_meant = self._labeller.meant

    def rows(self) -> Dataset:
        """List the images, sorted by path; the id is the path below `root`.

        Raises:
            DataError: If `root` is missing or holds no images in class folders, if its folders are
                splits of which none is picked, or if a folder gives no label.
        """
        root = require_folder(self.root, "a folder with one sub-folder of images per class")
        self.left_out = LeftOut()
        paths = [path.relative_to(root) for path in walk_images(root, self.left_out)]
        files = [path for path in paths if path.parent.parts and not _is_of_no_class(path)]
        if not files:
            found = f" ({self.left_out})" if self.left_out else ""
            raise DataError(f"{root}: no images in class sub-folders{found}; {_advice(paths)}")
        folders = [path.parent.parts for path in files]
        picked = pick_split(root, folders, self.split_folder, self.label_level in (1, "top"))
        chosen, doubt = label_folders(root, picked.folders, self.label_level)
        labels = self._labeller.names(chosen, f"class folders of {root}")
        self.doubts = [doubt] if doubt else []
        _note(self.left_out, root, paths, [files[at] for at in picked.kept])
        return file_table(
            (files[at].as_posix(), label, str(root / files[at]))
            for at, label in zip(picked.kept, labels, strict=True)
        )


def _is_of_no_class(path: Path) -> bool:
    return any(is_no_class(folder) for folder in path.parent.parts)


def _note(left_out: LeftOut, root: Path, paths: Sequence[Path], picked: Sequence[Path]) -> None:
    """Note the images and folders of a root that are of no class, or of another split."""
    kept = set(picked)
    for path in (path for path in paths if path not in kept):
        parts = path.parent.parts
        odd = next((folder for folder in parts if is_no_class(folder)), None)
        reason = f"in folders named {odd}" if odd else "of another split"
        left_out.add(reason if parts else "beside the class folders", path.as_posix())
    used = {path.parts[0] for path in paths}
    for path in sorted(root.iterdir()):
        if path.name not in used and path.is_dir() and not is_hidden(path.name):
            left_out.add("without images", f"{path.name}/")


def _advice(paths: Sequence[Path]) -> str:
    loose = sum(1 for path in paths if not path.parent.parts)
    if loose:
        return f"{loose} lie beside them: sort them into folders, or predict on them unlabelled"
    return "expected files such as tiger_lily/001.jpg"
