"""Trees, and posts with lamps, signs and traffic lights."""

import math

import numpy as np

from roadseg.streets.classes import POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Board, Colour, Floats, Post, Signal, Tree
from roadseg.streets.textures.bank import TextureBank

Corners = list[tuple[float, float]]
Range = tuple[float, float]
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


class _Stand:
    """Upright plane at a post, facing the camera; shapes are given in metres to the right of and above the foot."""

    def __init__(self, canvas: Canvas, foot: Floats) -> None:
        self.canvas = canvas
        self.depth = float(foot[2])
        self.scale = canvas.view.focal / self.depth
        self._origin = canvas.view.project(foot[None])[0]
        self._stretch = np.array((self.scale, -self.scale))

    def polygon(self, corners: Corners, colour: Colour, label: int | None) -> None:
        self.canvas.fill(self._origin + np.array(corners) * self._stretch, colour, label)

    def rectangle(self, across: Range, up: Range, colour: Colour, label: int | None) -> None:
        (left, right), (low, high) = across, up
        self.polygon([(left, low), (right, low), (right, high), (left, high)], colour, label)

    def tone(self, colour: Colour) -> Colour:
        return self.canvas.tone(colour, self.depth)


def draw_post(canvas: Canvas, post: Post) -> None:
    """Draw a post with all that is mounted on it."""
    foot = canvas.view.to_camera(np.array([(post.u, 0.0, post.s)]))[0]
    if foot[2] < NEAR * 2:
        return
    stand = _Stand(canvas, foot)
    _draw_shaft(stand, post)
    if post.arm:
        _draw_arm(stand, post)
    if post.crossbar:
        for below in (0.25, 0.9):
            stand.rectangle(
                (-0.9, 0.9), (post.height - below - 0.12, post.height - below), stand.tone(post.colour), POLE
            )
    for board in post.boards:
        _draw_board(stand, board)
    for signal in post.signals:
        _draw_signal(stand, signal)


def _draw_shaft(stand: _Stand, post: Post) -> None:
    wide, narrow = post.radius, post.radius * 0.65
    colour = stand.tone(post.colour)
    stand.polygon([(-wide, 0.0), (wide, 0.0), (narrow, post.height), (-narrow, post.height)], colour, POLE)
    if stand.scale * post.radius > 1.5:  # round: one side in shade
        shade: Colour = (colour[0] * 0.68, colour[1] * 0.68, colour[2] * 0.68)
        half = [(wide * 0.1, 0.0), (wide, 0.0), (narrow, post.height), (narrow * 0.1, post.height)]
        stand.polygon(half, shade, None)
    if post.banded:
        for band in range(int(min(post.height, 3.0) / BAND)):
            tone = stand.tone((232, 232, 228) if band % 2 else (28, 28, 28))
            stand.rectangle((-wide, wide), (band * BAND, (band + 1) * BAND), tone, POLE)


def _draw_arm(stand: _Stand, post: Post) -> None:
    """Draw an arm over the street, with a lamp at its end if it is a street light."""
    end, top = post.arm, post.height
    rise = 0.25 if post.lamp else 0.0
    thick = max(post.radius * 0.8, 0.04)
    arm = [(0.0, top - thick), (end, top + rise - thick), (end, top + rise + thick * 0.3), (0.0, top + thick)]
    stand.polygon(arm, stand.tone(post.colour), POLE)
    if post.lamp:
        head = 0.38 * math.copysign(1.0, end)
        top += rise
        lamp = [
            (end - head, top - 0.08),
            (end + head, top - 0.04),
            (end + head * 0.8, top + 0.1),
            (end - head, top + 0.07),
        ]
        stand.polygon(lamp, stand.tone((205, 206, 204)), POLE)


_SHAPES: dict[str, Corners] = {
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
    [(-1.0, 1.0, -0.9, -0.5), (-1.0, 1.0, -0.1, 0.3), (-1.0, 1.0, 0.7, 1.0)],
]


def _draw_board(stand: _Stand, board: Board) -> None:
    def shape(share: float) -> Corners:
        wide, tall = board.half_width * share, board.half_height * share
        return [(x * wide, board.y + y * tall) for x, y in _SHAPES[board.shape]]

    stand.polygon(shape(1.0), stand.tone(board.border), TRAFFIC_SIGN)
    if stand.scale * board.half_height < 1.5:
        return
    plate = board.shape == "rectangle"
    stand.polygon(shape(0.9 if plate else 0.76), stand.tone(board.fill), None)
    wide, tall = (share * (0.9 if plate else 0.62) for share in (board.half_width, board.half_height))
    for left, right, low, high in _GLYPHS[board.glyph % len(_GLYPHS)]:
        up = (board.y + low * tall, board.y + high * tall)
        stand.rectangle((left * wide, right * wide), up, stand.tone(board.symbol), None)


def _draw_signal(stand: _Stand, signal: Signal) -> None:
    half, x = signal.size * 0.19, signal.shift
    low, high = signal.y - signal.size / 2, signal.y + signal.size / 2
    stand.rectangle((x - half, x + half), (low, high), stand.tone(signal.colour), TRAFFIC_LIGHT)
    radius = signal.size * 0.125
    for lamp, colour in enumerate(LAMPS):
        y = high - signal.size * (lamp + 0.5) / 3
        dark: Colour = (colour[0] * 0.18, colour[1] * 0.18, colour[2] * 0.18)
        tone = stand.canvas.glow(colour, stand.depth) if lamp == signal.lit else stand.tone(dark)
        stand.polygon([(x + radius * cx, y + radius * cy) for cx, cy in _SHAPES["disc"]], tone, None)
