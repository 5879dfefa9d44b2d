from fractions import Fraction

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19
from roadseg.labels.space import IGNORE
from roadseg.overlay.appearance import NO_LEGEND, Appearance
from roadseg.overlay.draw import Overlay, enlarge
from roadseg.overlay.panels import draw_legend
from roadseg.video.colour import rgb_to_ycbcr
from roadseg.video.frame import Frame

COLOURS = [("bt601", False), ("bt601", True), ("bt709", False), ("bt709", True), ("bt2020", False), ("bt2020", True)]


def frame_of(rgb, matrix="bt709", full_range=False):
    """A frame of an RGB image (H, W, 3) whose colour is the same in every 2 x 2 pixels."""
    ycbcr = np.rint(rgb_to_ycbcr(rgb, matrix, full_range)).astype(np.uint8)
    planes = [ycbcr[..., 0], ycbcr[::2, ::2, 1], ycbcr[::2, ::2, 2]]
    for plane in planes:
        plane.setflags(write=False)  # as the reader's are
    return Frame(*planes, matrix, full_range, index=7, pts=100, time_base=Fraction(1, 90_000), duration=3000)


def noise(height, width, seed=0):
    small = np.random.default_rng(seed).integers(0, 256, (height // 2, width // 2, 3), np.uint8)
    return small.repeat(2, axis=0).repeat(2, axis=1)


def blocks(labels):
    """Every label as 2 x 2 pixels."""
    return labels.repeat(2, axis=0).repeat(2, axis=1)


def plain(height, width, level=128):
    return frame_of(np.full((height, width, 3), level, np.uint8))


def planes(frame):
    return frame.y, frame.u, frame.v


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(planes(one), planes(other), strict=True))


# Primaries as tabulated for 8-bit limited range, and for JPEG (JFIF 1.02), which is BT.601 in full range.
@pytest.mark.parametrize(
    ("matrix", "full_range", "rgb", "expected"),
    [
        ("bt601", False, (255, 255, 255), (235, 128, 128)),
        ("bt601", False, (255, 0, 0), (81, 90, 240)),
        ("bt601", False, (0, 255, 0), (145, 54, 34)),
        ("bt601", False, (0, 0, 255), (41, 240, 110)),
        ("bt709", False, (255, 0, 0), (63, 102, 240)),
        ("bt709", False, (0, 255, 0), (173, 42, 26)),
        ("bt709", False, (0, 0, 255), (32, 240, 118)),
        ("bt709", False, (0, 0, 0), (16, 128, 128)),
        ("bt601", True, (255, 0, 0), (76, 85, 255.5)),
        ("bt601", True, (0, 0, 0), (0, 128, 128)),
    ],
)
def test_rgb_to_ycbcr_of_tabulated_colours(matrix, full_range, rgb, expected):
    assert rgb_to_ycbcr(np.array(rgb), matrix, full_range) == pytest.approx(expected, abs=0.51)


@pytest.mark.parametrize(("matrix", "full_range"), COLOURS)
@pytest.mark.parametrize("opacity", [0.3, 0.5, 0.8])
def test_blending_planes_is_blending_rgb(matrix, full_range, opacity):
    rgb = noise(32, 76)
    labels = blocks(np.arange(16 * 38, dtype=np.uint8).reshape(16, 38) % len(CITYSCAPES_19))
    drawn = Overlay(CITYSCAPES_19, Appearance(opacity=opacity, legend="none")).draw(
        frame_of(rgb, matrix, full_range), labels
    )

    blended = (1 - opacity) * rgb + opacity * CITYSCAPES_19.palette[labels]
    expected = rgb_to_ycbcr(blended, matrix, full_range)
    assert np.abs(drawn.y - expected[..., 0]).max() <= 1
    assert np.abs(drawn.u - np.minimum(expected[::2, ::2, 1], 255)).max() <= 1
    assert np.abs(drawn.v - np.minimum(expected[::2, ::2, 2], 255)).max() <= 1


def test_time_and_the_original_stay():
    frame = plain(16, 16)
    before = [plane.copy() for plane in planes(frame)]
    drawn = Overlay(CITYSCAPES_19, NO_LEGEND).draw(frame, np.zeros((16, 16), np.uint8))
    assert (drawn.index, drawn.pts, drawn.time_base, drawn.duration) == (7, 100, Fraction(1, 90_000), 3000)
    assert (drawn.matrix, drawn.full_range) == (frame.matrix, frame.full_range)
    assert not same(drawn, frame)
    assert all(np.array_equal(a, b) for a, b in zip(planes(frame), before, strict=True))


def test_opacity_0_is_the_image_and_1_is_the_colours():
    frame = frame_of(noise(16, 16))
    labels = blocks(np.arange(64, dtype=np.uint8).reshape(8, 8) % 19)
    assert same(Overlay(CITYSCAPES_19, Appearance(opacity=0, legend="none")).draw(frame, labels), frame)
    colours = frame_of(CITYSCAPES_19.palette[labels])
    assert same(Overlay(CITYSCAPES_19, Appearance(opacity=1, legend="none")).draw(frame, labels), colours)


@pytest.mark.parametrize("opacity", [-0.1, 1.1])
def test_opacity_outside_0_to_1_is_refused(opacity):
    with pytest.raises(InputError, match="wanted 0 to 1"):
        Appearance(opacity=opacity)


def test_an_unknown_place_of_the_legend_is_refused():
    with pytest.raises(InputError, match="legend: 'left' is unknown"):
        Appearance(legend="left")


@pytest.mark.parametrize("unknown", [IGNORE, 19, 200])
def test_unlabelled_pixels_keep_the_image(unknown):
    frame = frame_of(noise(16, 16))
    labels = np.full((16, 16), unknown, np.uint8)
    labels[:, 8:] = 3
    drawn = Overlay(CITYSCAPES_19, NO_LEGEND).draw(frame, labels)
    for before, after in zip(planes(frame), planes(drawn), strict=True):
        middle = before.shape[1] // 2
        assert np.array_equal(after[:, :middle], before[:, :middle])
        assert not np.array_equal(after[:, middle:], before[:, middle:])


@pytest.mark.parametrize("shape", [(3, 5), (17, 33), (54, 96), (1, 1)])
def test_odd_sizes_and_label_maps_of_any_size(shape):
    frame = Frame(
        *(np.full(s, 128, np.uint8) for s in [(27, 45), (14, 23), (14, 23)]), "bt601", False, 0, 0, Fraction(1), 1
    )
    labels = np.zeros(shape, np.uint8)
    labels[:, shape[1] // 2 :] = 13
    drawn = Overlay(CITYSCAPES_19, Appearance(opacity=1, legend="none")).draw(frame, labels)
    road, car = np.rint(rgb_to_ycbcr(CITYSCAPES_19.palette[[0, 13]], "bt601", False)).astype(int)
    for position, plane in enumerate(planes(drawn)):
        assert plane[0, -1] == plane[-1, -1] == car[position]
        if shape[1] > 1:
            assert plane[0, 0] == plane[-1, 0] == road[position]


def test_enlarge_turns_stairs_into_slopes():
    labels = np.array([[0, 0, 0, 9], [0, 0, 9, 9], [0, 9, 9, 9], [9, 9, 9, 9]], np.uint8)
    enlarged = enlarge(labels, 8)
    assert set(np.unique(enlarged)) == {0, 9}
    assert (enlarged == 0).sum(axis=1).tolist() == [6, 5, 5, 3, 3, 1, 0, 0]  # without the median 6 6 4 4 2 2 0 0


def test_enlarge_keeps_thin_lines_and_makes_up_no_class_between_two():
    labels = np.full((12, 16), 2, np.uint8)
    labels[:, 5] = labels[6, :] = 17
    enlarged = enlarge(labels, 64)
    assert enlarged.shape == (48, 64)
    assert set(np.unique(enlarged)) == {2, 17}
    assert (enlarged[:, 20:24] == 17).all()
    assert (enlarged[24:28, :] == 17).all()


@pytest.mark.parametrize("width", [4, 8, 15])
def test_enlarge_leaves_what_is_more_than_half_as_large(width):
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert np.array_equal(enlarge(labels, width), labels)


SIZES = [(480, 272), (640, 360), (1280, 720), (1920, 1080), (1080, 1920), (3840, 2160)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("strip", [True, False])
def test_the_legend_shows_its_colours_in_an_eighth_of_the_height(width, height, strip):
    named = ("road", "sky", "vegetation", "car", "person", "traffic light")
    (rgb, alpha), shown = draw_legend(CITYSCAPES_19, named, width, height, strip=strip)
    assert shown == ("road", "traffic light", "vegetation", "sky", "person", "car")
    assert rgb.shape == (*alpha.shape, 3)
    assert alpha.shape[0] % 2 == alpha.shape[1] % 2 == 0
    assert alpha.shape[0] <= 0.12 * height
    assert alpha.shape[1] == width if strip else alpha.shape[1] < width
    assert alpha.min() >= 0 and alpha.max() <= 1
    opaque = np.rint(rgb[alpha > 0.999]).astype(int)
    for name in named:
        colour = CITYSCAPES_19.colours[CITYSCAPES_19.classes.index(name)]
        assert (opaque == colour).all(axis=1).sum() >= 25, name


def test_a_legend_without_room_leaves_out_the_last_classes():
    named = CITYSCAPES_19.classes[::-1]
    _, shown = draw_legend(CITYSCAPES_19, named, 480, 272)
    assert 10 < len(shown) < 19
    assert shown == CITYSCAPES_19.classes[-len(shown) :]
    assert draw_legend(CITYSCAPES_19, named, 480, 100) is None
    assert draw_legend(CITYSCAPES_19, (), 480, 272) is None


@pytest.mark.parametrize(("matrix", "full_range"), COLOURS)
def test_a_panel_hides_only_its_own_place_and_keeps_its_colours(matrix, full_range):
    frame = frame_of(np.full((720, 1280, 3), 200, np.uint8), matrix, full_range)
    nothing = np.full((180, 320), IGNORE, np.uint8)
    drawn = Overlay(CITYSCAPES_19, Appearance(legend="bottom")).draw(frame, nothing)
    changed = np.argwhere(drawn.y != frame.y)
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0) + 1
    panel, _ = draw_legend(CITYSCAPES_19, CITYSCAPES_19.classes, 1280, 720)
    assert (bottom - top, right - left) == panel.alpha.shape
    assert top > 360 and bottom < 720
    assert abs((left + right) / 2 - 640) <= 2
    for plane, before in zip(planes(drawn)[1:], planes(frame)[1:], strict=True):
        outside = plane.copy()
        outside[top // 2 : bottom // 2, left // 2 : right // 2] = before[0, 0]
        assert np.array_equal(outside, before)
    for colour in rgb_to_ycbcr(CITYSCAPES_19.palette[:19], matrix, full_range):
        close = np.ones((360, 640), bool)
        for plane, level in zip((drawn.y[::2, ::2], drawn.u, drawn.v), colour, strict=True):
            close &= np.abs(plane - level) <= 1
        assert close.sum() >= 9


def test_a_strip_below_leaves_the_picture_whole():
    frame = frame_of(noise(360, 640))
    labels = np.zeros((90, 160), np.uint8)
    whole = Overlay(CITYSCAPES_19, named=("road", "sky")).draw(frame, labels)
    picture = Overlay(CITYSCAPES_19, NO_LEGEND).draw(frame, labels)
    assert (whole.width, whole.height % 2) == (640, 0)
    assert 360 < whole.height <= 1.12 * 360
    for plane, part in zip(planes(whole), planes(picture), strict=True):
        assert np.array_equal(plane[: len(part)], part)


def test_a_strip_below_an_odd_frame_cuts_its_last_row_and_column():
    frame = Frame(
        *(np.full(s, 128, np.uint8) for s in [(361, 641), (181, 321), (181, 321)]), "bt601", False, 0, 0, Fraction(1), 1
    )
    overlay = Overlay(CITYSCAPES_19)
    drawn = overlay.draw(frame, np.full((90, 160), IGNORE, np.uint8))
    assert (drawn.width, drawn.height) == (640, overlay.like(frame).height)
    assert (drawn.y[:360] == 128).all() and (drawn.y[360] != 128).all()


def test_frames_too_small_for_a_legend_have_none():
    frame = plain(90, 160)
    labels = np.zeros((90, 160), np.uint8)
    assert same(Overlay(CITYSCAPES_19).draw(frame, labels), Overlay(CITYSCAPES_19, NO_LEGEND).draw(frame, labels))


def halves(one, other, size=64):
    """A map whose left half is of one class."""
    labels = np.full((size, size), one, np.uint8)
    labels[:, size // 2 :] = other
    return labels


def shown_colours(space, train_id, frame):
    return np.rint(rgb_to_ycbcr(np.array(space.colours[train_id]), frame.matrix, frame.full_range))


def test_contours_are_lines_in_full_colour_on_both_sides_and_nothing_else():
    frame = plain(64, 64)
    drawn = Overlay(CITYSCAPES_19, Appearance(style="contour", legend="none")).draw(frame, halves(0, 13))
    changed = drawn.y != frame.y
    assert changed[:, 31:33].all() and changed.sum() == 2 * 64
    for column, train_id in ((31, 0), (32, 13)):
        assert (drawn.y[:, column] == shown_colours(CITYSCAPES_19, train_id, frame)[0]).all()


def test_both_is_the_fill_with_contours_over_it():
    frame, labels = frame_of(noise(64, 64)), halves(0, 13)
    fill, contour, both = (
        Overlay(CITYSCAPES_19, Appearance(style=style, legend="none")).draw(frame, labels)
        for style in ("fill", "contour", "both")
    )
    assert np.array_equal(both.y[:, 31:33], contour.y[:, 31:33])
    assert np.array_equal(np.delete(both.y, [31, 32], 1), np.delete(fill.y, [31, 32], 1))


@pytest.mark.parametrize("style", ["fill", "both"])
def test_classes_that_are_not_wanted_are_not_drawn(style):
    frame, labels = frame_of(noise(64, 64)), halves(0, 13)
    drawn = Overlay(CITYSCAPES_19, Appearance(style=style, classes=("car",), legend="none")).draw(frame, labels)
    whole = Overlay(CITYSCAPES_19, Appearance(style=style, legend="none")).draw(frame, labels)
    assert np.array_equal(drawn.y[:, :32], frame.y[:, :32])
    assert np.array_equal(drawn.y[:, 32:], whole.y[:, 32:])


def test_the_legend_names_only_what_is_drawn():
    overlay = Overlay(CITYSCAPES_19, Appearance(classes=("car", "road")), named=("sky", "road", "car"))
    assert overlay.layout(plain(360, 640)).named == ("road", "car")


def test_other_label_spaces_have_counterparts_of_classes():
    overlay = Overlay(CAMVID_11, Appearance(classes=("road", "vegetation")))
    assert overlay.layout(plain(360, 640)).named == ("Road", "Tree")


def test_a_palette_changes_drawing_and_legend():
    overlay = Overlay(CITYSCAPES_19, Appearance(opacity=1, palette={"road": (10, 200, 30)}), named=("road",))
    frame = plain(360, 640)
    drawn = overlay.draw(frame, np.zeros((90, 160), np.uint8))
    level = shown_colours(overlay.label_space, 0, frame)[0]
    assert (drawn.y[:360] == level).all()
    assert (drawn.y[360:] == level).sum() > 25


@pytest.mark.parametrize(
    ("appearance", "problem"),
    [
        ({"classes": ("road", "hovercraft")}, "classes: no class 'hovercraft' in cityscapes-19"),
        ({"palette": {"hovercraft": (0, 0, 0)}}, "palette: no class 'hovercraft'"),
    ],
)
def test_unknown_classes_are_refused(appearance, problem):
    with pytest.raises(InputError, match=problem) as error:
        Appearance(**appearance).check(CITYSCAPES_19)
    assert "There are road, sidewalk" in error.value.remedy


@pytest.mark.parametrize(("option", "value"), [("style", "dots"), ("palette", "dark")])
def test_unknown_choices_are_refused(option, value):
    with pytest.raises(InputError, match=f"{option}: '{value}' is unknown"):
        Appearance(**{option: value})


def test_one_overlay_draws_frames_of_several_kinds():
    overlay = Overlay(CITYSCAPES_19)
    for width, height, matrix in [(640, 360, "bt601"), (1280, 720, "bt709"), (640, 360, "bt601")]:
        frame = frame_of(noise(height, width), matrix)
        labels = np.zeros((height // 4, width // 4), np.uint8)
        assert same(overlay.draw(frame, labels), Overlay(CITYSCAPES_19).draw(frame, labels))
