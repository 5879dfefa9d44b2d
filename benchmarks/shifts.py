"""Batch norm by section on rendered drives whose light changes.

    python benchmarks/shifts.py OUT [--seeds S...] [--scenes SCENES]

For each seed a drive of 96 s from day to night, and one through a tunnel, as the dashcam of the look `target` sees
European streets; rendered into OUT once, which takes some minutes each. The renderer has no tunnels: its light is that
of the lamps, between two frames, but the street keeps its houses and its (black) sky.

Each drive is labelled with the default weights as they are, adapted to the whole video (`--adapt-bn`), adapted to each
section, and adapted where the guard of `--bn-sections` says so. Times are processor seconds.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import IMAGES, BatchNormAdaptation
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_free import IMAGES as JUDGED
from roadseg.inference.label_free import Measures
from roadseg.inference.sections import times_of, video_sections
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import INDIAN_20
from roadseg.labels.confusion import confusion_matrix, intersection_over_union
from roadseg.labels.space import IGNORE, LabelMap, conversion
from roadseg.streets import looks, sensor
from roadseg.streets.drawing.view import View
from roadseg.streets.light import sample_light
from roadseg.streets.presets import PRESETS
from roadseg.streets.render import bank_of, render_scene
from roadseg.streets.sampling.world import sample_scene
from roadseg.streets.scene import Atmosphere
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.sample import frames_at, sample_frames
from roadseg.video.writer import VideoWriter

SIZE, RATE, SECONDS, SPEED = (640, 480), 4, 96, 9.0
"""Pixels, frames per second, length, and metres per second of each drive."""
SCORED = 4
"""Every so many frames one is scored."""
DAY_TO_NIGHT, TUNNEL = "day to night", "tunnel"
DAY_END, DUSK, NIGHT = 32.0, 44.0, 56.0
"""Seconds at which the day ends, dusk is reached, and night."""
TUNNEL_BEGIN, TUNNEL_END = 36.0, 60.0
TUNNEL_LIGHT = 0.12
"""Light of the lamps of a tunnel on all things, as a factor; by night it is below 0.003."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Score batch norm by section on drives whose light changes.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[302, 303])
    parser.add_argument("--scenes", default="", help="rendered streets to adapt from, as for --bn-scenes; not auto")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    segmenter, adaptation = load_segmenter("default"), BatchNormAdaptation(scenes=options.scenes)
    for seed in options.seeds:
        for kind in (DAY_TO_NIGHT, TUNNEL):
            score(f"{kind}, seed {seed}", *render(kind, seed, options.out), segmenter, adaptation)


def render(kind: str, seed: int, out: Path) -> tuple[Path, NDArray[np.uint8]]:
    """Return the video of a drive and its label maps (N, H, W), rendered unless they are there."""
    name = f"{kind.replace(' ', '-')}-{seed}"
    video, truth = out / f"{name}.mp4", out / f"{name}.npz"
    if not truth.exists():
        labels = []
        tick = Fraction(1, RATE)
        with VideoWriter(video, width=SIZE[0], height=SIZE[1], time_base=tick, crf=18) as writer:
            for number, (image, label) in enumerate(drive(kind, seed)):
                writer.write(Frame.from_rgb(image, index=number, pts=number, time_base=tick, duration=1))
                labels.append(label)
        np.savez_compressed(truth, labels=np.stack(labels))
    with np.load(truth) as arrays:
        return video, arrays["labels"]


def drive(kind: str, seed: int) -> Iterator[tuple[NDArray[np.uint8], LabelMap]]:
    """Render a drive along one street; by night most vehicles have their lights on."""
    key = (seed, 1)
    rng = np.random.default_rng(key)
    day, dusk, night = looks.hazy_afternoon(rng), sample_light(rng, "dusk"), sample_light(rng, "night")
    camera, recording = looks.sample_camera(rng, "target"), looks.sample_sensor(rng, "target")
    state = rng.bit_generator.state
    streets = []
    for atmosphere in (day, night):
        rng.bit_generator.state = state  # the same street
        streets.append(sample_scene(rng, PRESETS["european"], atmosphere, length=SECONDS * SPEED, speed=SPEED))
    bank = bank_of(seed, "target")
    for number in range(RATE * SECONDS):
        seconds = number / RATE
        light = light_at(kind, day, dusk, night, seconds)
        scene = replace(streets[light.night], atmosphere=light)
        view = View(camera, scene.street.centre_line, SIZE, s=SPEED * seconds)
        image, label = render_scene(scene, camera, view, bank, seconds)
        yield sensor.develop(image, recording, bank.grain, np.random.default_rng((*key, number))), label


def light_at(kind: str, day: Atmosphere, dusk: Atmosphere, night: Atmosphere, seconds: float) -> Atmosphere:
    """Return the light of a drive at a time."""
    if kind == DAY_TO_NIGHT and seconds < DUSK:
        return blended(day, dusk, min(1.0, max(0.0, (seconds - DAY_END) / (DUSK - DAY_END))))
    if kind == DAY_TO_NIGHT:
        return blended(dusk, night, min(1.0, (seconds - DUSK) / (NIGHT - DUSK)))
    if not TUNNEL_BEGIN <= seconds < TUNNEL_END:
        return day
    red, green, blue = (TUNNEL_LIGHT * value / max(night.ambient) for value in night.ambient)
    return replace(night, ambient=(red, green, blue), cover=0.0, wet=0.0)


def blended(start: Atmosphere, end: Atmosphere, share: float) -> Atmosphere:
    """Return the light between two, `share` of the way from the first."""
    values = {}
    for name in (field.name for field in fields(Atmosphere)):
        one, other = getattr(start, name), getattr(end, name)
        if name in ("clouds", "night"):
            values[name] = other if share > 0.5 else one
        elif name == "visibility":
            values[name] = one ** (1 - share) * other**share
        elif name == "sun_direction":
            mixed = np.add(np.multiply(one, 1 - share), np.multiply(other, share))
            values[name] = tuple((mixed / np.linalg.norm(mixed)).tolist())
        elif isinstance(one, tuple):
            values[name] = tuple((np.multiply(one, 1 - share) + np.multiply(other, share)).tolist())
        else:
            values[name] = one + (other - one) * share
    return Atmosphere(**values)


def score(
    name: str, video: Path, truth: NDArray[np.uint8], segmenter: Segmenter, adaptation: BatchNormAdaptation
) -> None:
    started = time.process_time()
    times, sections = video_sections(video, segmenter)
    found = time.process_time()
    print(f"{name}: sections begin at", *(f"{times[each.first]:.1f} s (scene {each.scene})," for each in sections))
    scenes = range(max(section.scene for section in sections) + 1)
    scene_at = np.repeat([section.scene for section in sections], [each.end - each.first for each in sections])
    scene_of = scene_at[np.searchsorted(times, np.arange(len(truth)) / RATE, "right") - 1]
    adapted, is_steadier = [], []
    for scene in scenes:
        images = frames_at(video, segmenter.input_size, times_of(scene, times, sections))
        adapted.append(segmenter.adapted_to(images, adaptation))
        judged = images[:: -(-len(images) // JUDGED)]
        before, after = (Measures.of(each, judged).agreement for each in (segmenter, adapted[scene]))
        is_steadier.append(after > before)
        print(f"  scene {scene}: views agree by {before:.1f} % as it is, {after:.1f} % adapted", flush=True)
    decided = time.process_time()
    whole = segmenter.adapted_to(sample_frames(video, segmenter.input_size, IMAGES), adaptation)
    before = time.process_time()
    plain = counts_by_frame(segmenter, video, truth)
    seconds = (time.process_time() - before) / len(plain)
    rows = {
        "as it is": plain,
        "whole video": counts_by_frame(whole, video, truth),
        "by section": counts_by_frame(lambda number: adapted[scene_of[number]], video, truth),
    }
    rows["by section, guarded"] = np.stack(
        [
            plain[place] if not is_steadier[scene_of[number]] else rows["by section"][place]
            for place, number in enumerate(range(0, len(truth), SCORED))
        ]
    )
    for row, counts in rows.items():
        by_scene = [f"scene {scene} {miou(counts[scene_of[::SCORED] == scene]):.1f}" for scene in scenes]
        print(f"  {row}: mIoU {miou(counts):.1f} ({', '.join(by_scene)})", flush=True)
    print(f"  {found - started:.1f} s for sections, {decided - found:.1f} s to adapt, {seconds:.3f} s a frame labelled")


def counts_by_frame(segmenter, video: Path, truth: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the confusion counts of every scored frame; `segmenter` may be a function of its number."""
    counts = []
    with VideoReader(video) as reader:
        for frame in reader:
            if frame.index % SCORED == 0:
                chosen = segmenter if isinstance(segmenter, Segmenter) else segmenter(frame.index)
                to_truth = conversion(chosen.label_space, INDIAN_20)
                known = np.isin(truth[frame.index], to_truth[: len(chosen.label_space)])
                labels = to_truth[chosen.label(frame.to_rgb())]
                counts.append(confusion_matrix(labels, np.where(known, truth[frame.index], IGNORE), len(INDIAN_20)))
    return np.stack(counts)


def miou(counts: NDArray[np.int64]) -> float:
    """Return the mean IoU in percent over the classes that the truth shows."""
    total = counts.sum(0)
    return 100 * float(intersection_over_union(total)[total.sum(1) > 0].mean())


if __name__ == "__main__":
    main()
