"""Scores averaged over time: steadier where nothing changes, in step with motion, no ghosts of objects that left."""

import cv2
import numpy as np
import pytest

from roadseg.evaluation.consistency import TemporalConsistency
from roadseg.inference.smoothing import Memory, TemporalSmoother

HEIGHT, WIDTH, CLASSES = 30, 40, 4


def texture(shift=0):
    """(8 HEIGHT, 8 WIDTH, 3) an image with structure, moved to the right by this number of pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (8 * HEIGHT, 16 * WIDTH), np.uint8)
    grey = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)
    left = 4 * WIDTH - shift
    return np.repeat(grey[:, left : left + 8 * WIDTH, None], 3, 2)


def scores_of(labels, sharpness=4.0):
    return sharpness * np.eye(CLASSES, dtype=np.float32)[labels].transpose(2, 0, 1)


def noisy(scores, generator):
    return scores + generator.normal(0, 4, scores.shape).astype(np.float32)


def test_the_first_frame_is_as_it_is():
    scores = scores_of(np.random.default_rng(0).integers(0, CLASSES, (HEIGHT, WIDTH)))
    assert np.array_equal(TemporalSmoother(0.9).smooth(texture(), scores), scores)


def test_weights_fall_off_exponentially_where_nothing_moves():
    smoother, image = TemporalSmoother(0.5), texture()
    for value in (8, 0, 0):
        averaged = smoother.smooth(image, np.full((CLASSES, HEIGHT, WIDTH), value, np.float32))
    assert averaged[:, 2:-2, 2:-2] == pytest.approx(2.0, abs=0.01)


def test_noise_is_averaged_away():
    truth = np.zeros((HEIGHT, WIDTH), int)
    truth[:, WIDTH // 2 :] = 1
    generator, smoother, image = np.random.default_rng(1), TemporalSmoother(0.8), texture()
    for _ in range(20):
        single = noisy(scores_of(truth), generator)
        averaged = smoother.smooth(image, single)
    assert (averaged.argmax(0) == truth).mean() > 0.94 > 0.8 > (single.argmax(0) == truth).mean()


def test_what_moves_takes_its_scores_along():
    """Stripes that are seen once and then move, with nothing seen any more, are where they have moved to."""
    smoother, step = TemporalSmoother(0.95), 8
    columns = np.arange(WIDTH)
    for frame in range(5):
        truth = np.tile((columns - frame) // 8 % 2, (HEIGHT, 1))
        scores = scores_of(truth, 100.0) if frame == 0 else np.zeros((CLASSES, HEIGHT, WIDTH), np.float32)
        averaged = smoother.smooth(texture(frame * step), scores)
    inner = (slice(3, -3), slice(8, -3))
    assert (averaged.argmax(0) == truth)[inner].mean() > 0.95
    still = np.tile(columns // 8 % 2, (HEIGHT, 1))
    assert (averaged.argmax(0) == still)[inner].mean() < 0.7


def test_another_scene_begins_anew():
    smoother = TemporalSmoother(0.9)
    smoother.smooth(texture(), scores_of(np.zeros((HEIGHT, WIDTH), int), 100.0))
    black = np.zeros_like(texture())
    averaged = smoother.smooth(black, scores_of(np.ones((HEIGHT, WIDTH), int)))
    assert (averaged.argmax(0) == 1).mean() > 0.8


def test_memory_that_is_written_and_read_goes_on_alike(tmp_path):
    generator = np.random.default_rng(2)
    frames = [(texture(4 * n), generator.normal(size=(CLASSES, HEIGHT, WIDTH)).astype(np.float32)) for n in range(4)]
    whole, first, second = (TemporalSmoother(0.7) for _ in range(3))
    expected = [whole.smooth(*frame) for frame in frames]
    for frame in frames[:2]:
        first.smooth(*frame)
    first.memory.write(tmp_path / "memory.npz")
    second.memory = Memory.read(tmp_path / "memory.npz")
    assert all(
        np.array_equal(second.smooth(*frame), wanted) for frame, wanted in zip(frames[2:], expected[2:], strict=True)
    )


def test_labels_are_steadier():
    generator, smoother = np.random.default_rng(3), TemporalSmoother(0.6)
    truth = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * CLASSES // (HEIGHT * WIDTH)
    plain, smooth = TemporalConsistency(CLASSES), TemporalConsistency(CLASSES)
    for shift in range(0, 40, 4):
        image, scores = texture(shift), noisy(scores_of(truth), generator)
        plain.add(image, scores.argmax(0).astype(np.uint8))
        smooth.add(image, smoother.smooth(image, scores).argmax(0).astype(np.uint8))
    assert smooth.miou > plain.miou + 15


@pytest.mark.parametrize("weight", [-0.1, 1.0])
def test_weights_that_make_no_average_are_refused(weight):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        TemporalSmoother(weight)
