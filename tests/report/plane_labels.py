"""Boxes of the names in a drawn plane, and which of them cover each other."""

from itertools import combinations

NAMES = "#plane .mark-text.role-mark text"
MARKS = "#plane .mark-symbol.role-mark path"

BOXES = """(selector) => [...document.querySelectorAll(selector)]
  .filter((one) => getComputedStyle(one).visibility !== "hidden")
  .map((one) => {
    const box = one.getBoundingClientRect();
    return [one.textContent, box.left, box.top, box.right, box.bottom];
  })"""


def boxes(page, selector):
    """Text, left, top, right and bottom of all that can be seen."""
    return [tuple(box) for box in page.evaluate(BOXES, selector)]


def covering(page):
    """Pairs of names that cover each other, and names that cover a mark."""
    names, marks = boxes(page, NAMES), boxes(page, MARKS)
    pairs = [*combinations(names, 2), *((name, mark) for name in names for mark in marks)]
    return [(a[0], b[0]) for a, b in pairs if overlap(a[1:], b[1:])]


def overlap(a, b, slack=0.5):
    """Whether two boxes share more than half a pixel."""
    return min(a[2], b[2]) - max(a[0], b[0]) > slack and min(a[3], b[3]) - max(a[1], b[1]) > slack
