"""The packaged tree of everyday things against CIFAR-100: its classes, superclasses, hypernyms."""

from itertools import permutations

import pytest

from speciarl_pl.judge import TaxonomyJudge
from speciarl_pl.judge.config import offline_judge
from speciarl_pl.records import Pair, Verdict

SUPERCLASSES = """
aquatic mammals: beaver dolphin otter seal whale
fish: aquarium_fish flatfish ray shark trout
flowers: orchid poppy rose sunflower tulip
food containers: bottle bowl can cup plate
fruit and vegetables: apple mushroom orange pear sweet_pepper
household electrical devices: clock keyboard lamp telephone television
household furniture: bed chair couch table wardrobe
insects: bee beetle butterfly caterpillar cockroach
large carnivores: bear leopard lion tiger wolf
large man-made outdoor things: bridge castle house road skyscraper
large natural outdoor scenes: cloud forest mountain plain sea
large omnivores and herbivores: camel cattle chimpanzee elephant kangaroo
medium-sized mammals: fox porcupine possum raccoon skunk
non-insect invertebrates: crab lobster snail spider worm
people: baby boy girl man woman
reptiles: crocodile dinosaur lizard snake turtle
small mammals: hamster mouse rabbit shrew squirrel
trees: maple_tree oak_tree palm_tree pine_tree willow_tree
vehicles: bicycle bus motorcycle pickup_truck train
vehicles: lawn_mower rocket streetcar tank tractor
"""
HYPERNYMS = """
mammal: beaver dolphin otter seal whale bear leopard lion tiger wolf camel cattle chimpanzee
mammal: elephant kangaroo fox porcupine possum raccoon skunk hamster mouse rabbit shrew squirrel
animal: beaver aquarium_fish bee bear camel fox crab crocodile hamster snail spider worm shark
creature: dolphin ray butterfly lion lobster snake mouse
vertebrate: otter trout wolf kangaroo turtle squirrel
invertebrate: bee cockroach crab snail spider worm
rodent: beaver porcupine hamster mouse squirrel
carnivore: otter seal bear leopard lion tiger wolf fox raccoon skunk
predator: shark leopard lion tiger wolf crocodile snake fox
herbivore: camel cattle elephant kangaroo rabbit
pet: hamster mouse rabbit aquarium_fish turtle snake
wild animal: bear lion elephant fox
big cat: leopard lion tiger
feline: leopard lion tiger
canine: wolf fox
marsupial: kangaroo possum
primate: chimpanzee
ape: chimpanzee
great ape: chimpanzee
livestock: cattle
farm animal: cattle
domestic animal: cattle rabbit hamster
aquatic animal: beaver dolphin otter seal whale shark trout crab lobster turtle
marine mammal: dolphin seal whale
arthropod: bee beetle butterfly caterpillar cockroach crab lobster spider
arachnid: spider
crustacean: crab lobster
shellfish: crab lobster
mollusc: snail
bug: bee beetle caterpillar cockroach spider
larva: caterpillar
plant: orchid poppy rose sunflower tulip maple_tree oak_tree palm_tree pine_tree willow_tree
flowering plant: orchid poppy rose sunflower tulip
tree: maple_tree oak_tree palm_tree pine_tree willow_tree
conifer: pine_tree
evergreen: pine_tree palm_tree
fruit: apple orange pear sweet_pepper
vegetable: sweet_pepper mushroom
food: apple mushroom orange pear sweet_pepper
produce: apple orange pear sweet_pepper
citrus fruit: orange
fungus: mushroom
container: bottle bowl can cup plate
tableware: bowl cup plate
dishware: bowl cup plate
kitchenware: bowl cup plate bottle
furniture: bed chair couch table wardrobe
seat: chair couch
household item: bed chair clock lamp bowl
appliance: clock lamp telephone television
electronics: keyboard telephone television
electronic device: keyboard telephone television clock lamp
device: clock keyboard lamp telephone television
gadget: clock keyboard telephone television
timepiece: clock
object: bottle bed clock chair bicycle
building: castle house skyscraper
structure: bridge castle house road skyscraper
landscape: forest mountain plain sea
nature: cloud forest mountain plain sea
landform: mountain plain
body of water: sea
person: baby boy girl man woman
human: baby boy girl man woman
child: baby boy girl
adult: man woman
male: boy man baby
female: girl woman baby
vehicle: bicycle bus motorcycle pickup_truck train lawn_mower rocket streetcar tank tractor
transport: bicycle bus motorcycle pickup_truck train streetcar
motor vehicle: bus motorcycle pickup_truck tractor
land vehicle: bicycle bus train streetcar tank
public transport: bus train streetcar
military vehicle: tank
machine: lawn_mower tractor tank motorcycle
tool: lawn_mower
spacecraft: rocket
"""


def lines(text):
    """Kind and class of each member of the lines."""
    for line in text.strip().splitlines():
        kind, _, members = line.partition(": ")
        yield from ((kind, member.replace("_", " ")) for member in members.split())


CLASSES = sorted({name for _, name in lines(SUPERCLASSES)})
PAIRS = [Pair(name, kind) for text in (SUPERCLASSES, HYPERNYMS) for kind, name in lines(text)]


@pytest.fixture(scope="module")
def judge():
    return TaxonomyJudge("everyday", unknown="unjudged")


def test_the_lists_are_whole():
    assert len(CLASSES) == 100
    assert len(PAIRS) > 350


def test_a_true_hypernym_is_never_wrong_and_mostly_known(judge):
    judged = dict(zip(PAIRS, judge.judge(PAIRS), strict=True))
    known = {pair: one for pair, one in judged.items() if isinstance(one, Verdict)}
    assert [pair for pair, one in known.items() if not one.category.is_correct] == []
    assert [pair for pair, one in known.items() if one.source != "taxonomy:ancestor"] == []
    assert len(known) > 0.9 * len(judged)


def test_another_class_is_never_the_same(judge):
    pairs = [Pair(*both) for both in permutations(CLASSES, 2)]
    judgements = judge.judge(pairs)
    right = [
        pair
        for pair, one in zip(pairs, judgements, strict=True)
        if not isinstance(one, Verdict) or one.category.is_correct
    ]
    assert right == []


def test_every_class_is_a_node_of_its_own_however_it_is_spelled(judge):
    [tree] = judge.taxonomies
    assert len({tree.find(name).name for name in CLASSES}) == len(CLASSES)
    for name in CLASSES:
        spellings = (name.replace(" ", "_"), name.title(), f"a {name}.")
        assert {tree.find(spelled) for spelled in spellings} == {tree.find(name)}


def test_the_offline_judge_calls_no_true_hypernym_wrong_without_knowing_the_data_set():
    judged = [one for one in offline_judge().judge(PAIRS) if isinstance(one, Verdict)]
    assert all(one.category.is_correct for one in judged)
    assert len(judged) > 0.8 * len(PAIRS)


@pytest.mark.parametrize(
    ("truth", "prediction", "category"),
    [
        ("ferret", "small mammal", None),
        ("shark", "pet", None),
        ("oak tree", "pet", "wrong"),
        ("pet", "shark", None),
        ("boy", "child", "generic"),
        ("baby", "child", None),
    ],
)
def test_what_may_be_of_a_loose_kind_is_left_open(judge, truth, prediction, category):
    [judgement] = judge.judge([Pair(truth, prediction)])
    found = judgement.category.label if isinstance(judgement, Verdict) else None
    assert found == category
