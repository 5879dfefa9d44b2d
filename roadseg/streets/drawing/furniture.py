"""Trees, and posts with what they carry: lamps, signs, traffic lights."""

import math

import numpy as np

from roadseg.streets.classes import POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Board, Colour, Floats, Post, Signal, Tree
from roadseg.streets.textures.bank import TextureBank

LAMPS: tuple[Colour, Colour, Colour] = ((255, 48, 36), (255, 190, 40), (60, 250, 130))
BAND = 0.5
"""Height in metres of each band of a black and white post."""


def draw_tree(canvas: Canvas, tree: Tree, bank: TextureBank) -> None:
    """Draw a tree or bush."""
    foot = canvas.view.to_camera(np.array([(tree.u, 0.0, tree.s)]))[0]
    canvas.sprite(
        bank.sprites[tree.kind][tree.sprite],
        foot,
        width=tree.width,
        height=tree.height,
        tint=tree.tint,
        mirrored=tree.mirrored,
        label=VEGETATION,
    )


def draw_post(canvas: Canvas, post: Post) -> None:
    """Draw a post and what it carries."""
    foot = canvas.view.to_camera(np.array([(post.u, 0.0, post.s)]))[0]
    if foot[2] < NEAR * 2:
        return
    depth = float(foot[2])
    _draw_shaft(canvas, post, foot, depth)
    if post.arm:
        _draw_arm(canvas, post, foot, depth)
    if post.crossbar:
        for below in (0.25, 0.9):
            _rectangle(
                canvas,
                foot,
                (-0.9, 0.9),
                (post.height - below - 0.12, post.height - below),
                canvas.tone(post.colour, depth),
                POLE,
            )
    for board in post.boards:
        _draw_board(canvas, board, foot, depth)
    for signal in post.signals:
        _draw_signal(canvas, signal, foot, depth)


def _rectangle(
    canvas: Canvas,
    foot: Floats,
    across: tuple[float, float],
    up: tuple[float, float],
    colour: Colour,
    label: int | None,
) -> None:
    corners = [(across[0], up[0]), (across[1], up[0]), (across[1], up[1]), (across[0], up[1])]
    _flat(canvas, foot, corners, colour, label)


def _flat(canvas: Canvas, foot: Floats, corners: list[tuple[float, float]], colour: Colour, label: int | None) -> None:
    """Fill a polygon given in metres right of and above `foot`, facing the camera."""
    canvas.polygon(foot + np.array([(right, up, 0.0) for right, up in corners]), colour, label)


def _draw_shaft(canvas: Canvas, post: Post, foot: Floats, depth: float) -> None:
    wide, narrow = post.radius, post.radius * 0.65
    colour = canvas.tone(post.colour, depth)
    shaft = [(-wide, 0.0), (wide, 0.0), (narrow, post.height), (-narrow, post.height)]
    _flat(canvas, foot, shaft, colour, POLE)
    if canvas.view.focal * post.radius / depth > 1.5:  # round: one side in shade
        shade: Colour = (colour[0] * 0.68, colour[1] * 0.68, colour[2] * 0.68)
        _flat(
            canvas,
            foot,
            [(wide * 0.1, 0.0), (wide, 0.0), (narrow, post.height), (narrow * 0.1, post.height)],
            shade,
            None,
        )
    if post.banded:
        for band in range(int(min(post.height, 3.0) / BAND)):
            tone = canvas.tone((232, 232, 228) if band % 2 else (28, 28, 28), depth)
            _rectangle(canvas, foot, (-wide, wide), (band * BAND, (band + 1) * BAND), tone, POLE)


def _draw_arm(canvas: Canvas, post: Post, foot: Floats, depth: float) -> None:
    """An arm that reaches over the street, with a lamp at its end if it is a street light."""
    colour = canvas.tone(post.colour, depth)
    end, top = post.arm, post.height
    rise = 0.25 if post.lamp else 0.0
    thick = max(post.radius * 0.8, 0.04)
    arm = [(0.0, top - thick), (end, top + rise - thick), (end, top + rise + thick * 0.3), (0.0, top + thick)]
    _flat(canvas, foot, arm, colour, POLE)
    if post.lamp:
        head = 0.38 * math.copysign(1.0, end)
        lamp = [
            (end - head, top + rise - 0.08),
            (end + head, top + rise - 0.04),
            (end + head * 0.8, top + rise + 0.1),
            (end - head, top + rise + 0.07),
        ]
        _flat(canvas, foot, lamp, canvas.tone((205, 206, 204), depth), POLE)


_SHAPES: dict[str, list[tuple[float, float]]] = {
    "disc": [(math.cos(a * math.pi / 10), math.sin(a * math.pi / 10)) for a in range(20)],
    "triangle": [(0.0, 1.0), (0.98, -0.72), (-0.98, -0.72)],
    "diamond": [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)],
    "rectangle": [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)],
}
_GLYPHS: list[list[tuple[float, float, float, float]]] = [
    [(-0.5, 0.5, -0.12, 0.12)],
    [(-0.4, -0.08, -0.35, 0.35), (0.08, 0.4, -0.35, 0.35)],
    [(-0.1, 0.1, -0.5, 0.4)],
    [(-0.7, 0.5, 0.25, 0.5), (-0.7, 0.2, -0.1, 0.12), (-0.7, 0.6, -0.5, -0.28)],
    [(-0.08, 0.08, -0.5, 0.1), (-0.35, 0.35, 0.1, 0.3)],
]


def _draw_board(canvas: Canvas, board: Board, foot: Floats, depth: float) -> None:
    def shape(share: float) -> list[tuple[float, float]]:
        return [
            (x * board.half_width * share, board.y + y * board.half_height * share) for x, y in _SHAPES[board.shape]
        ]

    _flat(canvas, foot, shape(1.0), canvas.tone(board.border, depth), TRAFFIC_SIGN)
    if canvas.view.focal * board.half_height / depth < 1.5:
        return
    _flat(canvas, foot, shape(0.76 if board.shape != "rectangle" else 0.9), canvas.tone(board.fill, depth), None)
    scale = 0.62 if board.shape != "rectangle" else 0.9
    for left, right, low, high in _GLYPHS[board.glyph % len(_GLYPHS)]:
        across = (left * board.half_width * scale, right * board.half_width * scale)
        up = (board.y + low * board.half_height * scale, board.y + high * board.half_height * scale)
        _rectangle(canvas, foot, across, up, canvas.tone(board.symbol, depth), None)


def _draw_signal(canvas: Canvas, signal: Signal, foot: Floats, depth: float) -> None:
    half, x = signal.size * 0.19, signal.shift
    low, high = signal.y - signal.size / 2, signal.y + signal.size / 2
    _rectangle(canvas, foot, (x - half, x + half), (low, high), canvas.tone(signal.colour, depth), TRAFFIC_LIGHT)
    radius = signal.size * 0.125
    for lamp, lit_colour in enumerate(LAMPS):
        y = high - signal.size * (lamp + 0.5) / 3
        lit = lamp == signal.lit
        dark: Colour = (lit_colour[0] * 0.18, lit_colour[1] * 0.18, lit_colour[2] * 0.18)
        tone = canvas.glow(lit_colour, depth) if lit else canvas.tone(dark, depth)
        disc = [(x + radius * cx, y + radius * cy) for cx, cy in _SHAPES["disc"]]
        _flat(canvas, foot, disc, tone, None)
