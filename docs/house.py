"""Draw the rooms of the package and their imports:  python docs/house.py

Rooms stand in the layers that tests/test_architecture.py keeps. An arrow is an import; one that follows from others
(cli imports jobs, jobs import report, so cli may import report) is left out. Written to docs/images/house.svg.
"""

import sys
from itertools import pairwise
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
OUT = REPOSITORY / "docs" / "images" / "house.svg"
BOX, BOX_HEIGHT, ROW, GAP, LANE, MARGIN = 104, 30, 58, 26, 18, 16
"""Width and height of a room, height of a layer, space between rooms, between arrows, and around the drawing, in px."""
STYLE = (
    "rect.room{fill:#eef3f7;stroke:#546e7a;rx:6px}"
    "text{font:600 14px system-ui,sans-serif;text-anchor:middle;fill:#1c2b33}"
    "path{fill:none;stroke:#90a4ae;stroke-width:1.5}"
)

Graph = dict[str, set[str]]
Node = tuple[str, str] | str
"""A room, or the place where an arrow (from, to) crosses a layer."""


def rooms_and_imports() -> tuple[list[list[str]], Graph]:
    """Return the layers from the ground up, and the rooms that each room imports."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from test_architecture import LAYERS, MODULES, imports_of

    layers = [sorted(names) for names in LAYERS]
    imports: Graph = {name: set() for names in layers for name in names}
    for module in MODULES:
        room = module.partition(".")[2].partition(".")[0]
        if room in imports:
            others = imports_of(module) - {"roadseg"}
            imports[room] |= {other.split(".")[1] for other in others} - {room}
    return layers, imports


def without_detours(imports: Graph) -> Graph:
    """Return the imports that do not follow from others."""

    def reached(room: str) -> set[str]:
        return imports[room].union(*(reached(other) for other in imports[room]))

    return {
        room: {other for other in others if not any(other in reached(via) for via in others - {other})}
        for room, others in imports.items()
    }


def spread(wanted: list[float], distances: list[float]) -> list[float]:
    """Return the positions nearest to those wanted whose neighbours keep their distances (least squares)."""
    offsets = [sum(distances[:index]) for index in range(len(wanted))]
    blocks: list[tuple[float, int]] = []  # mean and length; means must rise
    for block in ((place - offset, 1) for place, offset in zip(wanted, offsets, strict=True)):
        while blocks and blocks[-1][0] > block[0]:
            (mean, length), (other, more) = blocks.pop(), block
            block = ((mean * length + other * more) / (length + more), length + more)
        blocks.append(block)
    means = [mean for mean, length in blocks for _ in range(length)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def layout(layers: list[list[str]], arrows: Graph) -> tuple[dict[Node, tuple[float, float]], list[list[Node]]]:
    """Return the centre of each node, and the nodes that each arrow passes from its upper to its lower end."""
    rank = {name: index for index, names in enumerate(layers) for name in names}
    rows: list[list[Node]] = [list(names) for names in layers]
    paths: list[list[Node]] = []
    for room in sorted(arrows):
        for other in sorted(arrows[room]):
            crossings = [(room, other, level) for level in range(rank[room] - 1, rank[other], -1)]
            for crossing in crossings:
                rows[crossing[2]].append(crossing)
            paths.append([room, *crossings, other])
    above: dict[Node, list[Node]] = {node: [] for row in rows for node in row}
    below: dict[Node, list[Node]] = {node: [] for row in rows for node in row}
    for path in paths:
        for upper, lower in pairwise(path):
            above[lower].append(upper)
            below[upper].append(lower)

    def width(node: Node) -> int:
        return BOX + GAP if isinstance(node, str) else LANE

    x: dict[Node, float] = {node: 0.0 for row in rows for node in row}
    for row in rows:
        x.update(zip(row, spread([0.0] * len(row), [(width(a) + width(b)) / 2 for a, b in pairwise(row)]), strict=True))

    def mean(node: Node, beside: Graph) -> float:
        others = beside[node]
        return sum(x[other] for other in others) / len(others) if others else x[node]

    both = {node: above[node] + below[node] for node in above}
    for turn in range(60):
        beside = both if turn % 3 == 2 or turn >= 45 else (below, above)[turn % 3]
        for row in rows if turn % 2 else reversed(rows):
            wanted = {node: mean(node, beside) for node in row}
            if turn < 45:  # later, places move but orders stay
                row.sort(key=lambda node: (wanted[node], str(node)))
            distances = [(width(a) + width(b)) / 2 for a, b in pairwise(row)]
            x.update(zip(row, spread([wanted[node] for node in row], distances), strict=True))
    left = min(x[node] - width(node) / 2 for node in x)
    height = len(rows) * ROW
    places = {
        node: (x[node] - left + MARGIN, height - level * ROW - ROW / 2 + MARGIN)
        for level, row in enumerate(rows)
        for node in row
    }
    return places, paths


def curve(points: list[tuple[float, float]]) -> str:
    """Return the SVG path through points from top to bottom, vertical at each."""
    text = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        text += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return text


def drawing() -> str:
    """Return the drawing as SVG."""
    layers, imports = rooms_and_imports()
    places, paths = layout(layers, without_detours(imports))
    width, height = round(max(x for x, _ in places.values()) + BOX / 2 + MARGIN), len(layers) * ROW + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        "<title>The rooms of roadseg; an arrow is an import</title>",
        f"<style>{STYLE}</style>",
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<polygon points="0,0 8,4 0,8" fill="#90a4ae"/></marker>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for path in paths:
        points = [places[node] for node in path]
        points[0] = (points[0][0], points[0][1] + BOX_HEIGHT / 2)
        points[-1] = (points[-1][0], points[-1][1] - BOX_HEIGHT / 2)
        lines.append(f'<path d="{curve(points)}" marker-end="url(#tip)"/>')
    for node, (x, y) in places.items():
        if isinstance(node, str):
            lines.append(
                f'<rect class="room" x="{x - BOX / 2:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" '
                f'width="{BOX}" height="{BOX_HEIGHT}"/><text x="{x:.1f}" y="{y + 5:.1f}">{node}</text>'
            )
    return "\n".join([*lines, "</svg>\n"])


if __name__ == "__main__":
    OUT.write_text(drawing(), encoding="utf-8")
