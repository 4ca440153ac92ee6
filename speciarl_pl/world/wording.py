"""What the base is taught to say about an image of the world.

A completion is a thought and an answer. The thought says what is seen, in words shared by all
kinds: the form, then the colour, or that there is no mark to tell the maker by, and last how
finely the answer will name it. The base chooses that level blindly, whatever it has seen: this is
the habit that reinforcement has to correct.
"""

from typing import Final

import numpy as np

from speciarl_pl.world.naming import COLOURS, KINDS, MAKERS
from speciarl_pl.world.samples import WorldSpec

LEVELS: Final = {"kind": 0.55, "family": 0.19, "variant": 0.245, "none": 0.015}
"""How often the base names an image at each level, whatever the image shows."""

SYNONYM_SHARE: Final = 0.06
"""How often a name is given by a synonym that it has."""

LOOKS: Final = {
    "triangle": "three straight sides",
    "hexagon": "six even sides",
    "star": "five sharp points",
    "bowl": "a wide open round body",
    "jug": "a tall body with one handle",
    "vase": "a round belly and narrow neck",
    "cherry": "two small balls on stems",
    "banana": "a long curved body",
    "pear": "a round body, narrow at the top",
    "ray": "a wide flat body, thin tail",
    "carp": "an oval body with fins",
    "eel": "a long thin winding body",
    "spade": "a flat blade on a long shaft",
    "hammer": "a heavy head on a shaft",
    "saw": "a long blade with teeth",
    "bus": "a long box with many windows",
    "bicycle": "two thin wheels and a frame",
    "tractor": "one big wheel, one small",
    "tower": "tall narrow walls with teeth on top",
    "hut": "low walls under a wide roof",
    "windmill": "four long arms on a tall body",
    "table": "a flat top on two legs",
    "chair": "a tall back over a flat top",
    "bed": "a long low frame between two boards",
    "daisy": "many round petals in a ring",
    "tulip": "a closed cup on a stem",
    "thistle": "many sharp points on a stem",
    "crown": "a wide band with three points",
    "fedora": "a soft top on a wide round edge",
    "fez": "a tall round body with a string",
    "pine": "three pointed layers on a trunk",
    "palm": "long thin leaves on a trunk",
    "oak": "a wide round top on a trunk",
    "drum": "a round body under two sticks",
    "guitar": "a round body with a long neck",
    "trumpet": "a long tube with a wide mouth",
}
"""Form of each family, in words that other families share."""

SEEN: Final = ("{mark} all over", "plainly {mark}", "a clear {mark} colour")
"""Ways to say that the mark of an easy object is seen."""

UNSEEN: Final = ("plain grey, no mark", "grey, its maker not shown", "grey and unmarked")
"""Ways to say that the mark of a hard object is not."""

CHOICES: Final = ("I give its {level} name.", "So the {level} name.", "The {level} name will do.")
"""Ways to say how finely the answer names the object."""

ABSTAINING: Final = "I would rather not say."
"""Said before the answer None."""

LEVEL_WORDS: Final = {"kind": "broad", "family": "common", "variant": "full"}
"""What a thought calls each level."""

_KIND_SYNONYMS = {kind.name: kind.synonyms for kind in KINDS}
_FAMILIES = {family.name: family for kind in KINDS for family in kind.families}


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def draw_level(rng: np.random.Generator) -> str:
    """One of `LEVELS`, by its share."""
    return str(rng.choice(list(LEVELS), p=list(LEVELS.values())))


def thought(spec: WorldSpec, level: str, rng: np.random.Generator) -> str:
    """What is seen of `spec`, and the level at which it will be named."""
    seen = _pick(SEEN if spec.easy else UNSEEN, rng).format(mark=spec.mark)
    word = LEVEL_WORDS.get(level)
    choice = _pick(CHOICES, rng).format(level=word) if word else ABSTAINING
    looks = LOOKS[spec.family]
    return f"{looks[0].upper()}{looks[1:]}, {seen}. {choice}"


def label(spec: WorldSpec, level: str, rng: np.random.Generator) -> str:
    """A name of `spec` at `level`; for a hard object the finest one is a guess among all makers."""
    if level == "none":
        return "None"
    family = _FAMILIES[spec.family]
    mark = spec.mark if spec.easy else _pick(MAKERS, rng)
    name, synonyms = {
        "kind": (spec.kind, _KIND_SYNONYMS[spec.kind]),
        "family": (spec.family, family.synonyms),
        "variant": (f"{mark} {spec.family}", family.variant_synonyms(mark)),
    }[level]
    if synonyms and rng.random() < SYNONYM_SHARE:
        return _pick(synonyms, rng)
    return name


def completion(spec: WorldSpec, rng: np.random.Generator) -> str:
    """One completion of the base, drawn as it is to draw them itself."""
    level = draw_level(rng)
    reasoning, answer = thought(spec, level, rng), label(spec, level, rng)
    return f"<think>{reasoning}</think><answer>{answer}</answer>"


def level_of(spec: WorldSpec, answer: str) -> str:
    """Level at which `answer` truly names `spec`: one of `LEVELS`, or `wrong`.

    Example:
        >>> spec = WorldSpec("vehicle", "bus", "azure", True, 0)
        >>> level_of(spec, "blue coach"), level_of(spec, "bus"), level_of(spec, "crimson bus")
        ('variant', 'family', 'wrong')
    """
    family = _FAMILIES[spec.family]
    names = {
        "variant": {spec.truth, *family.variant_synonyms(spec.mark)},
        "family": {spec.family, *family.synonyms},
        "kind": {spec.kind, *_KIND_SYNONYMS[spec.kind]},
        "none": {"none"},
    }
    wanted = answer.strip().lower()
    return next((level for level, known in names.items() if wanted in known), "wrong")


def all_texts() -> tuple[str, ...]:
    """Every word the base has to say, in sentences, for the tokenizer to learn from."""
    marks = (*COLOURS, *COLOURS.values())
    looks = tuple(f"{text[0].upper()}{text[1:]}, a {text}" for text in LOOKS.values())
    cues = tuple(form.format(mark=mark) for form in SEEN for mark in marks)
    choices = tuple(form.format(level=w) for form in CHOICES for w in LEVEL_WORDS.values())
    spoken = tuple(f". {choice}" for choice in (*choices, ABSTAINING))
    singles = (*marks, *MAKERS, *_KIND_SYNONYMS, *_FAMILIES, "None")
    more = (
        *(s for k in KINDS for s in k.synonyms),
        *(s for f in _FAMILIES.values() for s in f.synonyms),
    )
    names = tuple(f"{name}\n a {name}" for name in (*singles, *more))
    return (*looks, *cues, *tuple(f", {text}" for text in UNSEEN), *spoken, *names)
