"""Clean-up of labels (paper, section 6): what the archives write becomes a name.

Underscores become blanks and a leading number goes. Case, slashes, points between digits, hyphens
and accents stay: `F/A-18`, `16.4`, `Type-S`, `Citroën`.
"""

import re
from collections.abc import Callable
from typing import Final

_NUMBER = re.compile(r"^\d+\.\s*(?=[^\W\d_])")
"""The `001.` before a name; not the `16.` of 16.4."""
_YEAR_FIRST = re.compile(r"^((?:19|20)\d\d) (.*\D.*)$")
_CARGO_VAN = re.compile(r"\bRam C[- ]?V\b")


def clean_label(text: str) -> str:
    """Drop a leading number and turn underscores into blanks.

    Example:
        >>> clean_label("001.Black_footed_Albatross")
        'Black footed Albatross'
        >>> clean_label("16.4"), clean_label("F/A-18"), clean_label("737-200")
        ('16.4', 'F/A-18', '737-200')
    """
    return " ".join(_NUMBER.sub("", text.strip()).replace("_", " ").split())


def cub_label(folder: str) -> str:
    """Turn a class folder of CUB-200-2011 into a name.

    Example:
        >>> cub_label("022.Chuck_will_Widow")
        'Chuck will Widow'
    """
    return clean_label(folder)


def aircraft_label(line: str) -> str:
    """Give a variant, family or manufacturer of FGVC-Aircraft: as written, trimmed.

    Example:
        >>> aircraft_label("F-16A/B"), aircraft_label("707-320")
        ('F-16A/B', '707-320')
    """
    return " ".join(line.split())


def flower_label(name: str) -> str:
    """Turn a class of Flowers-102 into a name.

    Example:
        >>> flower_label("hard-leaved_pocket_orchid"), flower_label("colt's foot")
        ('hard-leaved pocket orchid', "colt's foot")
    """
    return clean_label(name)


def food_label(folder: str) -> str:
    """Turn a class folder of Food-101 into a name.

    Example:
        >>> food_label("macaroni_and_cheese")
        'macaroni and cheese'
    """
    return clean_label(folder)


def pet_label(stem: str) -> str:
    """Give the breed in the name of an image or a class of Oxford-IIIT Pet.

    Example:
        >>> pet_label("american_bulldog_10"), pet_label("Maine_Coon")
        ('american bulldog', 'Maine Coon')
    """
    return clean_label(re.sub(r"_\d+$", "", stem))


def car_label(name: str) -> str:
    """Give a class of Stanford Cars as make, model, type and year.

    CoOp writes the year first, and copies as class folders lose the slash of `C/V`.

    Example:
        >>> car_label("Ram C/V Cargo Van Minivan 2012")
        'Ram C/V Cargo Van Minivan 2012'
        >>> car_label("2012 Ram C-V Cargo Van Minivan")
        'Ram C/V Cargo Van Minivan 2012'
        >>> car_label("Bugatti Veyron 16.4 Coupe 2009")
        'Bugatti Veyron 16.4 Coupe 2009'
    """
    label = _CARGO_VAN.sub("Ram C/V", clean_label(name))
    return _YEAR_FIRST.sub(r"\2 \1", label)


CLEAN_UPS: Final[dict[str, Callable[[str], str]]] = {
    "cub": cub_label,
    "fgvc_aircraft": aircraft_label,
    "flowers102": flower_label,
    "food101": food_label,
    "oxford_pets": pet_label,
    "stanford_cars": car_label,
}
"""Name of the data set -> its clean-up."""
