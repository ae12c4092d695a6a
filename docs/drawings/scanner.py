"""The scanner: it hands over one spike per cycle, the lowest set bit of a word, and skips silence."""

from .style import Drawing

WORDS = ((0, 1, 0, 0, 1, 0, 0, 1), (0,) * 8, (0, 0, 0, 0, 0, 0, 1, 0))


def draw():
    d = Drawing(
        "The scanner",
        "Three words of eight bits. The first has three spikes: in cycle 0 the lowest set bit is handed over and"
        " removed, then the next one in cycle 1 and the last one in cycle 2. The second word is empty: cycle 3 is"
        " spent on it and nothing is handed over. The third has one spike, in cycle 4. So 24 inputs cost five cycles.",
        620,
        330,
    )
    cell, left = 30, 136
    d.text(left + 4 * cell, 22, "bits of the word, 7 to 0", 14, "quiet")
    d.text(466, 22, "handed over", 14, "quiet")
    cycle, y = 0, 56
    for number, word in enumerate(WORDS):
        bits = list(word)  # bits[0] is the lowest
        spikes = [k for k in range(8) if bits[k]] or [None]
        for place in spikes:
            d.text(22, y, f"cycle {cycle}", 15, "ink", "start")
            for k in range(8):
                x = left + (7 - k) * cell
                fill = "spike" if k == place else "event" if bits[k] else "page"
                d.rectangle(x, y - 15, cell, cell, fill, "line", thick=1.1)
                d.text(x + cell / 2, y, str(bits[k]), 15, "page" if k == place else "ink", bold=k == place)
            if place is None:
                d.text(410, y, "nothing: an empty word", 15, "quiet", "start")
            else:
                d.arrow((left + 8 * cell + 10, y), (404, y), color="spike")
                d.text(414, y, f"address {8 * number + place} = 8·{number} + {place}", 15, "spike", "start", bold=True)
                bits[place] = 0
            cycle += 1
            y += 40
        y += 10
    d.text(310, 290, "word & (word − 1) is the word without its lowest set bit", 16, "ink", bold=True)
    d.text(310, 314, "24 inputs, 4 spikes, 1 empty word: 5 cycles", 15, "quiet")
    return d
