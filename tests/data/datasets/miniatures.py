"""The six archives in their exact original layout, with a few tiny photos each."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

BANNER = 20

TRUTHS = {
    "cub": {
        "train": {
            "001.Black_footed_Albatross/Black_Footed_Albatross_0001_796111.jpg": (
                "Black footed Albatross"
            ),
            "022.Chuck_will_Widow/Chuck_Will_Widow_0001_796982.jpg": "Chuck will Widow",
        },
        "test": {
            "001.Black_footed_Albatross/Black_Footed_Albatross_0002_55.jpg": (
                "Black footed Albatross"
            ),
            "022.Chuck_will_Widow/Chuck_Will_Widow_0002_12.jpg": "Chuck will Widow",
            "200.Common_Yellowthroat/Common_Yellowthroat_0003_190521.jpg": "Common Yellowthroat",
        },
    },
    "fgvc_aircraft": {
        "train": {"1025794": "707-320", "0034309": "F/A-18"},
        "val": {"0056978": "F-16A/B"},
        "test": {"0442507": "F-16A/B", "1340192": "F/A-18", "0062765": "707-320"},
    },
    "flowers102": {
        "train": {"image_00006.jpg": "blackberry lily"},
        "val": {"image_00002.jpg": "passion flower", "image_00004.jpg": "pink primrose"},
        "test": {
            "image_00001.jpg": "passion flower",
            "image_00003.jpg": "pink primrose",
            "image_00005.jpg": "blackberry lily",
        },
    },
    "food101": {
        "train": {
            "apple_pie/1005649.jpg": "apple pie",
            "macaroni_and_cheese/101.jpg": "macaroni and cheese",
        },
        "test": {
            "apple_pie/1011328.jpg": "apple pie",
            "creme_brulee/7.jpg": "creme brulee",
            "macaroni_and_cheese/9.jpg": "macaroni and cheese",
        },
    },
    "oxford_pets": {
        "trainval": {"Abyssinian_100": "Abyssinian", "american_bulldog_10": "american bulldog"},
        "test": {
            "Abyssinian_201": "Abyssinian",
            "american_bulldog_203": "american bulldog",
            "shiba_inu_9": "shiba inu",
        },
    },
    "stanford_cars": {
        "train": {
            "cars_train/00001.jpg": "AM General Hummer SUV 2000",
            "cars_train/00002.jpg": "Ram C/V Cargo Van Minivan 2012",
        },
        "test": {
            "cars_test/00001.jpg": "Bugatti Veyron 16.4 Coupe 2009",
            "cars_test/00002.jpg": "Ram C/V Cargo Van Minivan 2012",
        },
    },
}
"""Name -> split -> id -> label: what must be read from the miniatures."""

VARIANTS = {
    "707-320": ("Boeing 707", "Boeing"),
    "F-16A/B": ("F-16", "Lockheed Martin"),
    "F/A-18": ("F/A-18", "McDonnell Douglas"),
}
"""Variant -> family and manufacturer."""


def build(name: str, folder: Path) -> Path:
    """Unpack the miniature of a benchmark below `folder`; gives the archive's folder."""
    return _BUILDERS[name](folder)


def listed(name: str) -> dict[str, str]:
    """Id -> label of all images of a miniature."""
    return {id_: label for split in TRUTHS[name].values() for id_, label in split.items()}


def write_mat(path: Path, rows: list[tuple[str, int]]) -> None:
    """Write annotations of Stanford Cars."""
    fields = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname"]
    table = np.empty((1, len(rows)), dtype=[(field, object) for field in fields])
    for at, (file, number) in enumerate(rows):
        table[0, at] = (1, 2, 3, 4, number, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": table})


def write_meta(path: Path, names: list[str]) -> None:
    """Write the class names of Stanford Cars."""
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"class_names": np.array([names], dtype=object)})


def _photo(path: Path, size: tuple[int, int] = (24, 16)) -> None:
    """Noise, another one for each path, so that half a file is no file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = list(path.name.encode()) + list(path.parent.name.encode())
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="JPEG")


def _lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _cub(folder: Path) -> Path:
    root = folder / "CUB_200_2011"
    images = sorted(listed("cub"))
    folders = sorted({image.partition("/")[0] for image in images})
    numbers = {name: int(name.partition(".")[0]) for name in folders}
    train = TRUTHS["cub"]["train"]
    _lines(root / "images.txt", [f"{at} {image}" for at, image in enumerate(images, 1)])
    _lines(root / "classes.txt", [f"{number} {name}" for name, number in numbers.items()])
    _lines(
        root / "image_class_labels.txt",
        [f"{at} {numbers[image.partition('/')[0]]}" for at, image in enumerate(images, 1)],
    )
    _lines(
        root / "train_test_split.txt",
        [f"{at} {int(image in train)}" for at, image in enumerate(images, 1)],
    )
    for image in images:
        _photo(root / "images" / image)
    return root


def _aircraft(folder: Path) -> Path:
    root = folder / "fgvc-aircraft-2013b"
    data = root / "data"
    splits = dict(TRUTHS["fgvc_aircraft"])
    splits["trainval"] = splits["train"] | splits["val"]
    for at, level in enumerate(("variant", "family", "manufacturer")):
        names = {variant: (variant, *more)[at] for variant, more in VARIANTS.items()}
        plural = {"family": "families"}.get(level, f"{level}s")
        _lines(data / f"{plural}.txt", sorted(set(names.values())))
        for split, images in splits.items():
            lines = [f"{number} {names[variant]}" for number, variant in images.items()]
            _lines(data / f"images_{level}_{split}.txt", lines)
    for number in listed("fgvc_aircraft"):
        _photo(data / "images" / f"{number}.jpg", (24, 16 + BANNER))
    return root


def _flowers(folder: Path) -> Path:
    root = folder / "flowers-102"
    for image in listed("flowers102"):
        _photo(root / "jpg" / image)
    savemat(root / "imagelabels.mat", {"labels": np.array([[77, 77, 1, 1, 102, 102]], np.uint8)})
    ids = {"trnid": np.array([[6]]), "valid": np.array([[2, 4]]), "tstid": np.array([[1, 3, 5]])}
    savemat(root / "setid.mat", ids)
    return root


def _food(folder: Path) -> Path:
    root = folder / "food-101"
    classes = sorted({image.partition("/")[0] for image in listed("food101")})
    _lines(root / "meta" / "classes.txt", classes)
    _lines(root / "meta" / "labels.txt", [name.replace("_", " ").capitalize() for name in classes])
    for split, images in TRUTHS["food101"].items():
        stems = [image.removesuffix(".jpg") for image in images]
        _lines(root / "meta" / f"{split}.txt", stems)
        lists = {name: [s for s in stems if s.startswith(f"{name}/")] for name in classes}
        (root / "meta" / f"{split}.json").write_text(json.dumps(lists))
    for image in listed("food101"):
        _photo(root / "images" / image)
    return root


def _pets(folder: Path) -> Path:
    root = folder / "oxford-iiit-pet"
    notes = root / "annotations"
    for split, images in TRUTHS["oxford_pets"].items():
        _lines(notes / f"{split}.txt", [f"{stem} 1 2 1" for stem in images])
    comments = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids"]
    _lines(notes / "list.txt", [*comments, *(f"{s} 1 2 1" for s in sorted(listed("oxford_pets")))])
    for stem in listed("oxford_pets"):
        _photo(root / "images" / f"{stem}.jpg")
    return root


def _cars(folder: Path) -> Path:
    root = folder / "stanford_cars"
    names = [
        "AM General Hummer SUV 2000",
        "Bugatti Veyron 16.4 Coupe 2009",
        "Ram C/V Cargo Van Minivan 2012",
    ]
    write_meta(root / "devkit" / "cars_meta.mat", names)
    files = {"train": "cars_train_annos.mat", "test": "cars_test_annos_withlabels.mat"}
    for split, file in files.items():
        rows = [
            (image.rpartition("/")[2], names.index(label) + 1)
            for image, label in TRUTHS["stanford_cars"][split].items()
        ]
        write_mat(root / "devkit" / file, rows)
    for image in listed("stanford_cars"):
        _photo(root / image)
    return root


_BUILDERS = {
    "cub": _cub,
    "fgvc_aircraft": _aircraft,
    "flowers102": _flowers,
    "food101": _food,
    "oxford_pets": _pets,
    "stanford_cars": _cars,
}
