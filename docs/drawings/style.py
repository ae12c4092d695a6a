"""The vocabulary of the drawings: boxes, arrows, labels, spike trains and curves, as SVG for light and for dark pages.

A drawing is made once, from shapes with class names; the two modes differ in the colours of these classes alone.
Lengths are in pixels, x grows to the right, y grows downwards. Letters are text, so that they can be searched and read
aloud. What a test needs to know (where labels, boxes and lines are) is kept beside the shapes.
"""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Verdana, sans-serif"
LINE_HEIGHT = 1.25

# name -> colours of (light, dark). Fills are pale, and their outlines the same hue.
COLORS = {
    "page": ("#ffffff", "#131416"),
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#5b636d", "#a0a9b4"),
    "line": ("#4b5563", "#a3adb8"),
    "faint": ("#d5dae0", "#363c44"),
    "logic": ("#dbeafe", "#1c3354"),
    "logic-edge": ("#2563c9", "#7fb0f5"),
    "memory": ("#fdf0c8", "#423512"),
    "memory-edge": ("#a16a07", "#e0b04a"),
    "stream": ("#d9f5e3", "#173d29"),
    "stream-edge": ("#1b7f43", "#63cf8f"),
    "plain": ("#f3f5f7", "#23272d"),
    "plain-edge": ("#5b636d", "#a0a9b4"),
    "spike": ("#d3341f", "#ff8370"),
    "event": ("#fde1dc", "#57241c"),
    "event-edge": ("#d3341f", "#ff8370"),
    "bright": ("#c8c8c8", "#c8c8c8"),
    "dim": ("#303030", "#303030"),
    "back": ("#7c3aed", "#b79bff"),
    "back-fill": ("#ece3ff", "#36265c"),
}
ARROWS = ("line", "logic-edge", "stream-edge", "memory-edge", "spike", "back")


@dataclass(frozen=True)
class Label:
    """A line of text, by its anchor ("start", "middle" or "end") and the middle of its height."""

    text: str
    x: float
    y: float
    size: float
    anchor: str


@dataclass
class Drawing:
    """Shapes on a page of a width and a height, with a title and a description for those who cannot see it."""

    title: str
    description: str
    width: int
    height: int
    shapes: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float, str]] = field(default_factory=list)  # x, y, width, height, text
    segments: list[tuple[float, float, float, float]] = field(default_factory=list)  # lines that no label may touch

    def text(self, x, y, words, size=15, color="ink", anchor="middle", bold=False, italic=False):
        """Write words, of several lines if they have line breaks, around the height y."""
        lines = words.split("\n")
        style = ' font-weight="600"' * bold + ' font-style="italic"' * italic
        for number, line in enumerate(lines):
            at = y + (number - (len(lines) - 1) / 2) * size * LINE_HEIGHT
            self.labels.append(Label(line, x, at, size * (1.04 if bold else 1), anchor))
            self.shapes.append(
                f'<text x="{_n(x)}" y="{_n(at + 0.35 * size)}" font-size="{_n(size)}" text-anchor="{anchor}"'
                f' class="{color}"{style}>{escape(line)}</text>'
            )

    def box(self, x, y, w, h, words="", kind="logic", size=15, bold=False):
        """Draw a rounded box around the point (x, y), with words inside."""
        self.boxes.append((x - w / 2, y - h / 2, w, h, words))
        self.rectangle(x - w / 2, y - h / 2, w, h, kind, f"{kind}-edge", radius=7)
        if words:
            self.text(x, y, words, size, bold=bold)

    def frame(self, x, y, w, h, words, color="quiet", size=14):
        """Draw a dashed frame around the point (x, y), with words at its upper edge, inside."""
        self.shapes.append(
            f'<rect x="{_n(x - w / 2)}" y="{_n(y - h / 2)}" width="{_n(w)}" height="{_n(h)}" rx="10"'
            f' class="no-fill {color}-stroke" stroke-width="1.3" stroke-dasharray="5 4"/>'
        )
        self.text(x, y - h / 2 + 14, words, size, color, italic=True)

    def rectangle(self, x, y, w, h, fill, edge=None, radius=0, thick=1.4):
        """Draw a rectangle from its upper left corner, with an edge if one is named."""
        rounded = f' rx="{_n(radius)}"' if radius else ""
        stroke = f' {edge}-stroke" stroke-width="{_n(thick)}' if edge else ""
        self.shapes.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}"{rounded} class="{fill}{stroke}"/>'
        )

    def shade(self, x, y, w, h, color, share):
        """Fill a rectangle from its upper left corner with a share of a colour, from 0 to 1."""
        self.shapes.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(w)}" height="{_n(h)}" class="{color}"'
            f' fill-opacity="{round(share, 2):g}"/>'
        )

    def disc(self, x, y, radius, fill, edge=None):
        """Draw a disc around the point (x, y)."""
        stroke = f' {edge}-stroke" stroke-width="1.4' if edge else ""
        self.shapes.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" class="{fill}{stroke}"/>')

    def line(self, *points, color="line", thick=1.6, dashed=False):
        """Draw straight lines through points."""
        self._segments(points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.shapes.append(
            f'<path d="{_path(points)}" class="no-fill {color}-stroke" stroke-width="{_n(thick)}"{dash}'
            ' stroke-linejoin="round" stroke-linecap="round"/>'
        )

    def arrow(self, *points, text="", color="line", both=False, dashed=False, size=14, side=-1, thick=1.7):
        """Draw an arrow through points; its words stand above its longest part (side -1) or below it (side 1)."""
        self._segments(points)
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        start = f' marker-start="url(#tip-{color})"' if both else ""
        self.shapes.append(
            f'<path d="{_path(points)}" class="no-fill {color}-stroke" stroke-width="{_n(thick)}"{dash}'
            f' stroke-linejoin="round"{start} marker-end="url(#tip-{color})"/>'
        )
        if text:
            (a, b), (c, d) = max(zip(points, points[1:]), key=lambda pair: abs(pair[0][0] - pair[1][0]))
            lines = text.count("\n") + 1
            shade = {"line": "quiet"}.get(color, color)
            self.text((a + c) / 2, (b + d) / 2 + side * (6 + lines * size * LINE_HEIGHT / 2), text, size, shade)

    def curve(self, points, color="logic-edge", thick=2.2):
        """Draw a curve through many points; labels may cross it no more than a line."""
        self.line(*points, color=color, thick=thick)

    def area(self, points, fill):
        """Fill a polygon."""
        self.shapes.append(f'<path d="{_path(points)}Z" class="{fill}"/>')

    def train(self, x, y, spikes, step=22, tall=20, color="spike", base=True):
        """Draw a spike train: a base line, and a stroke upwards for each spike."""
        if base:
            self.line((x, y), (x + step * len(spikes), y), color="faint", thick=1.6)
        for t, spike in enumerate(spikes):
            if spike:
                at = x + (t + 0.5) * step
                self.line((at, y), (at, y - tall), color=color, thick=3)

    def ticks(self, xs, y, tall, color="line", thick=2.4):
        """Draw upright marks of one height around the height y."""
        self.segments += [(x, y - tall, x, y + tall) for x in xs]
        marks = "".join(f"M{_n(x)} {_n(y - tall)}v{_n(2 * tall)}" for x in xs)
        self.shapes.append(f'<path d="{marks}" class="{color}-stroke" stroke-width="{_n(thick)}"/>')

    def hatch(self, x, y, w, h, color):
        """Draw slanted lines in a rectangle, from its upper left corner."""
        places = range(int(x) + 5, int(x + w) - 4, 8)
        lines = "".join(f"M{place} {_n(y + h - 1)}L{place + 4} {_n(y + 1)}" for place in places)
        self.shapes.append(f'<path d="{lines}" class="{color}-stroke" stroke-width="1"/>')

    def grid(self, x, y, cell, rows, columns, fills=None):
        """Draw a grid of cells; `fills` maps (row, column) to the class of a cell that is not plain."""
        for row in range(rows):
            for column in range(columns):
                fill = (fills or {}).get((row, column), "page")
                self.rectangle(x + column * cell, y + row * cell, cell, cell, fill, "faint", thick=1.2)

    def svg(self, mode):
        """Return the file's text for "light" or "dark"."""
        column = ("light", "dark").index(mode)
        rules = [f".{name}{{fill:{colors[column]}}}" for name, colors in COLORS.items()]
        rules += [f".{name}-stroke{{stroke:{colors[column]}}}" for name, colors in COLORS.items()]
        body = "\n".join(self.shapes)
        rules = [rule for rule in rules if f"{rule[1 : rule.index('{')]}" in body or "page" in rule]
        tips = [
            f'<marker id="tip-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11"'
            f' markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 1L10 5L0 9Z"'
            f' fill="{COLORS[name][column]}"/></marker>'
            for name in ARROWS
            if f"#tip-{name})" in body
        ]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
            f' height="{self.height}" role="img" aria-labelledby="title desc" font-family="{FONT}">\n'
            f'<title id="title">{escape(self.title)}</title>\n<desc id="desc">{escape(self.description)}</desc>\n'
            f"<style>.no-fill{{fill:none}}{''.join(rules)}</style>\n<defs>{''.join(tips)}</defs>\n"
            f'<rect width="{self.width}" height="{self.height}" rx="8" class="page"/>\n{body}\n</svg>\n'
        )

    def _segments(self, points):
        self.segments += [(*start, *end) for start, end in zip(points, points[1:])]


def _n(value):
    """Write a number with at most one decimal, without a useless zero."""
    return f"{value:.1f}".removesuffix(".0")


def _path(points):
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
