"""Content of a page and of its data, without a browser."""

import io
import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.report_clips import CAR, CARS, PEDESTRIAN, PEOPLE, ROAD, SECONDS, SKY, make_results
from PIL import Image

from roadseg.errors import InputError, VideoError
from roadseg.labels.catalogue import CAMVID_11, CAMVID_32, CITYSCAPES_19, IDD_26, SYNTHIA_CAMVID_9
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.files import OverlayFiles
from roadseg.positions.summary import PositionSummary
from roadseg.report import moments as moments_module
from roadseg.report.html import clock, lasting, link, percent
from roadseg.report.moments import moments, theme_classes
from roadseg.report.overlay_page import report_page
from roadseg.report.overlay_results import read_results
from roadseg.report.pages import report_path, write_index, write_report
from roadseg.report.timeline import binned

HOSTILE = "<img src=x onerror=document.title='owned'> \"'&amp; </script> ü漢 100%41#?"
HOSTILE_NAME = HOSTILE.replace("/", "")
"""Page name that is a valid file name."""


class Elements(HTMLParser):
    """All elements with their attributes, and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag):
        return [data for name, data in self.texts if name == tag]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    return make_results(folder / "clip.mp4", folder / "out")


@pytest.fixture(scope="module")
def results(files):
    return read_results(files)


@pytest.fixture(scope="module")
def page(results):
    return report_page(results)


def data_of(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])


def test_the_timeline_is_the_table_of_frames(page, files):
    data = data_of(page)
    table = pq.read_table(files.frames)
    assert data["end"] == pytest.approx(SECONDS)
    assert data["seconds"] == pytest.approx(table["seconds"].to_pylist(), abs=1e-3)
    for one in data["classes"]:
        assert one["shares"] == pytest.approx(table[f"fraction_{one['name']}"].to_pylist(), abs=1e-4)
        assert one["colour"] == "#" + bytes(CAMVID_11.colours[one["id"]]).hex()
    names = [one["name"] for one in data["classes"]]
    assert names == ["Road", "Car", "Pedestrian", "Sky"] or names == ["Road", "Pedestrian", "Car", "Sky"]


def test_totals_are_those_of_the_summary(page, results):
    parsed = Elements(page)
    cells = [text.strip() for text in parsed.text("td")]
    for entry in results.summary.classes:
        if entry.frames:
            assert percent(entry.share) in cells and lasting(entry.seconds) in cells
    assert "Never seen: Building, Pole, Pavement, Tree" in page
    assert re.search(r'Flicker</h2>.*?<th scope="row">Sky</th>', page, re.S)
    assert len([one for one in parsed.all("button") if "data-class" in one]) == 4


def test_moments_show_the_most_and_lie_apart(results, monkeypatch):
    people, traffic = moments(results)
    assert (people.title, people.seconds) == ("Most people", pytest.approx((PEOPLE[2] + 0.5) / 10))
    assert (traffic.title, traffic.seconds) == ("Most traffic", pytest.approx((CARS[2] + 0.5) / 10))
    assert people.share == traffic.share == pytest.approx(4 * 6 / (16 * 32))
    monkeypatch.setattr(moments_module, "LEAST_GAP", 3.0)  # now the cars are too near the people
    assert [moment.title for moment in moments(results)] == ["Most people"]
    assert "Densest vegetation" not in report_page(results)


def test_a_fetched_video_has_its_title(results):
    summary = results.summary.model_copy(update={"fetched_title": HOSTILE})
    page = report_page(replace(results, summary=summary))
    assert Elements(page).text("h1") == [HOSTILE] and Elements(page).text("title") == [f"{HOSTILE} · roadseg"]
    assert results.name in Elements(page).text("span")


def test_moments_leave_out_the_legend_below_the_picture(tmp_path):
    files = make_results(tmp_path / "clip.mp4", tmp_path / "out", appearance=Appearance(height=240))
    results = read_results(files)
    assert 0.85 < results.picture_share < 1
    page = report_page(results)
    images = re.findall(r'<img src="([^"]*)" alt="" style="aspect-ratio: 1.6667">', page)
    shapes = [Image.open(io.BytesIO(b64decode(image.partition(",")[2]))).size for image in images]
    assert shapes == [(360, 216)] * 2


def test_moments_of_one_theme_lie_far_apart_and_one_has_the_most(results):
    """Cars in every second of a minute, most in the tenth; then most of the rest, next to it, and far away."""
    seconds = np.arange(60.0)
    shares = np.zeros((60, results.shares.shape[1]), np.float32)
    shares[:, CAR] = 0.1
    shares[[10, 14, 40], CAR] = 0.3, 0.29, 0.2
    drive = replace(results, seconds=seconds, durations=np.ones(60), shares=shares)
    assert [(moment.title, moment.seconds) for moment in moments(drive)] == [
        ("Most traffic", 10.5),
        ("Much traffic", 40.5),
    ]
    short = replace(drive, seconds=seconds[:20], durations=np.ones(20), shares=shares[:20])
    assert [(moment.title, moment.seconds) for moment in moments(short)] == [("Most traffic", 10.5)]


def test_themes_follow_the_classes_of_a_label_space():
    named = {
        space: {title: [space.classes[one] for one in ids] for title, ids in theme_classes(space).items()}
        for space in (CITYSCAPES_19, CAMVID_11, CAMVID_32, IDD_26, SYNTHIA_CAMVID_9)
    }
    assert named[CITYSCAPES_19] == {
        "Most people": ["person", "rider"],
        "Most traffic": ["car", "truck", "bus", "train", "motorcycle", "bicycle"],
        "Densest vegetation": ["vegetation"],
    }
    assert named[CAMVID_11] == {
        "Most people": ["Pedestrian", "Bicyclist"],
        "Most traffic": ["Car"],
        "Densest vegetation": ["Tree"],
    }
    assert named[CAMVID_32]["Most people"] == ["Bicyclist", "Child", "Pedestrian"]
    assert "autorickshaw" in named[IDD_26]["Most traffic"]
    assert named[SYNTHIA_CAMVID_9] == {"Most traffic": ["bus"], "Densest vegetation": ["vegetation"]}


def test_heat_maps_tell_where_classes_stand(results, page):
    seconds = results.heatmaps
    assert seconds.shape == (12, 32, 64)
    assert seconds.sum(0) == pytest.approx(np.full((32, 64), SECONDS))
    assert (seconds[SKY, :14] == pytest.approx(SECONDS)) and (seconds[ROAD, 26:] == pytest.approx(SECONDS))
    assert seconds[CAR, 20, 10] == pytest.approx(0.5) and not seconds[CAR, :, 32:].any()
    assert seconds[PEDESTRIAN, 20, 50] == pytest.approx(0.5) and not seconds[PEDESTRIAN, :, :32].any()
    alts = [image.get("alt", "") for image in Elements(page).all("img")]
    assert "Heat map of Car, centred on the middle left of the frame" in alts
    assert "Heat map of Pedestrian, centred on the middle right of the frame" in alts


def test_results_without_heat_maps_have_a_page(results):
    page = report_page(replace(results, heatmaps=None))
    assert "Heat map of" not in page and "--overwrite" in page
    assert [one["name"] for one in data_of(page)["classes"]] == ["Sky", "Road", "Car", "Pedestrian"]


def test_what_the_decoder_met_and_options_are_told(results):
    appearance = Appearance(style="both", classes=("Road", "Car"))
    job = results.summary.job.model_copy(
        update={"flip": True, "smoothing": 0.9, "batch_norm_prior": 96, "appearance": appearance, "gps": "5acd"}
    )
    update = {
        "job": job,
        "decoder_events": {"corrupt_packets": 3, "damaged_frames": 0},
        "notices": ["sound left out"],
        "creation_time": datetime(2024, 5, 6, 7, 8, tzinfo=UTC),
        "masked_share": 0.25,
        "position": PositionSummary(source="GPX, track.gpx", fixes=3, offset_s=0, notices=[]),
    }
    page = report_page(replace(results, summary=results.summary.model_copy(update=update)))
    for expected in (
        "corrupt packets: 3",
        "sound left out",
        "6 May 2024, 07:08",
        "<dt>flip</dt><dd>yes</dd>",
        "<dt>smooth</dt><dd>0.9</dd>",
        "<dt>adapt bn</dt><dd>96</dd>",
        "<dt>style</dt><dd>both</dd>",
        "<dt>classes</dt><dd>Road, Car</dd>",
        "<dt>Positions</dt><dd>GPX, track.gpx</dd>",
        "25.0 % of the frame is masked",
        job.video_fingerprint,
    ):
        assert expected in page
    assert "<dt>palette" not in page and "<dt>encoder" not in page and "<dt>gps" not in page and "<dt>--" not in page
    assert "damaged frames" not in page and "No damage" not in page


def test_nothing_from_outside_becomes_markup(results):
    def page_of(text, name):
        job = results.summary.job.model_copy(update={"segmenter": text})
        entries = [replace(one, name=text if one.name == "Sky" else one.name) for one in results.summary.classes]
        update = {"video": text, "job": job, "notices": [text], "classes": entries, "versions": {"roadseg": text}}
        files = OverlayFiles.of(Path(f"{name}.mp4"), results.files.overlay.parent)
        if not files.overlay.exists():
            files.overlay.write_bytes(results.files.overlay.read_bytes())
        clips = (replace(results.clips[0], files=files),)
        return report_page(
            replace(
                results, name=files.name, files=files, clips=clips, summary=results.summary.model_copy(update=update)
            )
        )

    hostile, plain = page_of(HOSTILE, HOSTILE_NAME), Elements(page_of("text", "clip"))
    parsed = Elements(hostile)
    assert [(tag, set(one)) for tag, one in parsed.elements] == [(tag, set(one)) for tag, one in plain.elements]
    assert all(image["src"].startswith("data:image/jpeg") for image in parsed.all("img"))
    assert parsed.text("h1") == [HOSTILE_NAME]
    assert HOSTILE in parsed.text("dd") and HOSTILE in parsed.text("li")
    assert HOSTILE in [one["name"] for one in data_of(hostile)["classes"]]


def test_addresses_lead_to_the_file_whatever_its_name():
    assert link(Path("a b#?%41.mp4")) == "./a%20b%23%3F%2541.mp4"
    assert link(Path("javascript:alert(1).mp4")) == "./javascript%3Aalert%281%29.mp4"


def test_only_what_is_ours_may_run_and_nothing_is_fetched(page):
    parsed = Elements(page)
    (policy,) = [meta["content"] for meta in parsed.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' file: 'sha256-")
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "") and "http" not in policy
    addresses = [one[name] for _, one in parsed.elements for name in ("src", "href") if name in one]
    assert {address for address in addresses if not address.startswith("data:")} == {
        "#timeline",
        "./clip.overlay.mp4",
        "plotly.min.js",
    }
    style = "".join(parsed.text("style"))
    assert "url(" not in style and "@import" not in style


def test_long_videos_are_binned_by_time_and_duration():
    draw = np.random.default_rng(0)
    durations = draw.choice([0.01, 0.05, 0.5], 5000)
    seconds = 3 + np.concatenate([[0], np.cumsum(durations)[:-1]])
    shares = draw.random((5000, 3)).astype(np.float32)
    series = binned(seconds, durations, shares, 100)
    length = durations.sum()
    bins = np.minimum((seconds - 3) * 100 / length, 99).astype(int)
    present = np.unique(bins)
    assert len(series.seconds) == len(present) <= 100
    for place, number in enumerate(present):
        there = bins == number
        assert series.seconds[place] == seconds[there][0]
        assert series.shares[place] == pytest.approx(np.average(shares[there], axis=0, weights=durations[there]))
    few = binned(seconds[:100], durations[:100], shares[:100], 100)
    assert np.array_equal(few.seconds, seconds[:100]) and few.shares == pytest.approx(shares[:100])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.9, "0:59"), (60, "1:00"), (59.99999, "1:00"), (754, "12:34"), (3723.5, "1:02:03")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.44, "0.4 s"), (59.9, "59.9 s"), (60, "1:00")])
def test_lasting(seconds, text):
    assert lasting(seconds) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0.0 %"), (0.0001, "< 0.1 %"), (0.1234, "12.3 %"), (1, "100.0 %")])
def test_percent(share, text):
    assert percent(share) == text


def test_the_folder_has_what_pages_need_once(files):
    path = write_report(files)
    assert path == report_path(files) == files.overlay.with_name("clip.report.html")
    library = files.overlay.with_name("plotly.min.js")
    before = library.stat()
    assert before.st_size > 1_000_000
    write_report(files)
    assert library.stat().st_mtime_ns == before.st_mtime_ns
    library.write_text("cut off")
    write_report(files)
    assert library.stat().st_size == before.st_size
    assert not list(path.parent.glob(".*.part"))
    assert write_index(path.parent) is None


def test_a_folder_of_several_videos_has_a_page(tmp_path):
    for name in ("one", HOSTILE_NAME):
        write_report(make_results(tmp_path / f"{name}.mp4", tmp_path / "out" / "sub & folder"))
    parsed = Elements(write_index(tmp_path / "out").read_text(encoding="utf-8"))
    assert [one["href"] for one in parsed.all("a")] == [
        link(Path("sub & folder", f"{name}.report.html")) for name in (HOSTILE_NAME, "one")
    ]
    assert f"sub & folder/{HOSTILE_NAME}" in parsed.text("span")
    assert [image["src"][:15] for image in parsed.all("img")] == ["data:image/jpeg"] * 2
    assert not parsed.all("script")


def test_what_is_missing_is_named(tmp_path):
    files = make_results(tmp_path / "clip.mp4", tmp_path / "out")
    files.overlay.unlink()
    with pytest.raises(VideoError, match=r"clip\.overlay\.mp4"):
        write_report(files)
    files.frames.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"clip\.frames\.parquet: not a table of frames"):
        write_report(files)
    assert not report_path(files).exists()
