"""The drawings: made anew to the same bytes, readable in both modes, with words for those who cannot see them."""

import re
import xml.etree.ElementTree as ElementTree
from functools import cache

import pytest
from matplotlib.textpath import TextPath

from docs import drawings
from docs.drawings.style import COLORS, Drawing

NAMES = drawings.names()
SVG = "{http://www.w3.org/2000/svg}"
TEXTS = {"ink", "quiet", "spike", "back", "logic-edge", "stream-edge", "memory-edge", "plain-edge"}
FILLS = {"page", "logic", "memory", "stream", "plain", "event", "back-fill"}


@cache
def extent(text, size):
    """Return the width of a line of text in DejaVu Sans, which is wider than the other fonts that a page may take."""
    return TextPath((0, 0), text, size=size).get_extents().width


def place(label):
    """Return the left, upper, right and lower edge of a label."""
    width = extent(label.text, label.size)
    left = label.x - {"start": 0, "middle": width / 2, "end": width}[label.anchor]
    return left, label.y - 0.5 * label.size, left + width, label.y + 0.5 * label.size


def apart(a, b):
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def crosses(line, box):
    """Tell whether a line from (a, b) to (c, d) passes through a box: some point of it lies inside."""
    a, b, c, d = line
    length = ((c - a) ** 2 + (d - b) ** 2) ** 0.5
    for k in range(int(length) + 2):
        share = k / (int(length) + 1)
        x, y = a + share * (c - a), b + share * (d - b)
        if box[0] < x < box[2] and box[1] < y < box[3]:
            return True
    return False


def faults(drawing):
    """Return what disturbs a reader: words that overlap, leave the page or their box, or are struck by a line."""
    places = [(label.text, place(label)) for label in drawing.labels]
    found = []
    for number, (text, at) in enumerate(places):
        if at[0] < 4 or at[1] < 4 or at[2] > drawing.width - 4 or at[3] > drawing.height - 4:
            found.append(f"{text!r} leaves the page")
        found += [f"{text!r} overlaps {other!r}" for other, there in places[:number] if not apart(at, there)]
        found += [f"{text!r} is struck by {line}" for line in drawing.segments if crosses(line, at)]
    for x, y, width, height, words in drawing.boxes:
        for text, at in places:
            inside = x + 3 <= at[0] and at[2] <= x + width - 3 and y + 2 <= at[1] and at[3] <= y + height - 2
            if not inside and not apart(at, (x, y, x + width, y + height)):
                found.append(f"{text!r} does not fit into the box {words!r}")
    return found


def luminance(color):
    values = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    """Return the contrast of two colours, from 1 to 21, as the guidelines for accessible pages define it."""
    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_there_are_enough_and_lessons_and_readme_show_all_of_them():
    assert len(NAMES) >= 10
    lessons = "".join(
        path.read_text(encoding="utf-8") for path in (drawings.FOLDER.parents[1] / "tutorials").glob("*.py")
    )
    shown = re.findall(r"^# !\[(.+)\]\(\.\./docs/drawings/(\w+)\.svg\)$", lessons, re.M)
    readme = (drawings.FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    first = set(re.findall(r'src="docs/drawings/(\w+)\.svg"', readme))
    assert len(first) == 1 and not first & {name for _, name in shown}
    assert sorted(shown) == sorted((drawings.draw(name).title, name) for name in NAMES if name not in first)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_made_anew_to_the_same_bytes(name):
    for file, text in drawings.make(name).items():
        kept = (drawings.FOLDER / file).read_bytes()
        assert kept == text.encode(), f"run python -m docs.drawings {name}"
        assert len(kept) < 40_000


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_shows(name):
    for file, text in drawings.make(name).items():
        root = ElementTree.fromstring(text)
        title, described = root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text
        assert 10 <= len(title) <= 70 and not title.endswith("."), file
        assert len(described.split()) >= 30 and described.endswith("."), file


@pytest.mark.parametrize("name", NAMES)
def test_both_modes_differ_in_colours_alone(name):
    light, dark = drawings.make(name).values()
    assert light != dark
    assert re.sub("#[0-9a-f]{6}", "", light) == re.sub("#[0-9a-f]{6}", "", dark)
    used = set(re.findall(r'class="([^"]+)"', light))
    defined = set(re.findall(r"\.([a-z-]+)\{", light))
    assert {word for words in used for word in words.split()} <= defined, "every class has a rule"


@pytest.mark.parametrize("name", NAMES)
def test_its_words_can_be_read(name):
    drawing = drawings.draw(name)
    assert not faults(drawing)
    assert min(label.size for label in drawing.labels) >= 13
    assert drawing.width <= 640, "on a phone the letters would be too small"


@pytest.mark.parametrize("mode", [0, 1])
def test_words_stand_out_from_every_ground(mode):
    for text in TEXTS:
        assert contrast(COLORS[text][mode], COLORS["page"][mode]) >= 4.5, text
    for fill in FILLS:
        assert contrast(COLORS["ink"][mode], COLORS[fill][mode]) >= 7, fill


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda d: d.text(50, 52, "others"), "overlaps"),
        (lambda d: d.text(198, 80, "too far to the right"), "leaves the page"),
        (lambda d: d.arrow((50, 20), (50, 90)), "is struck by"),
        (lambda d: d.box(150, 50, 40, 30, "too long a name"), "does not fit"),
    ],
)
def test_a_fault_is_found(spoil, words):
    drawing = Drawing("a title", "a description", 200, 100)
    drawing.text(50, 50, "words")
    assert not faults(drawing)
    spoil(drawing)
    assert any(words in fault for fault in faults(drawing))
