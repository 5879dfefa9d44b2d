"""`roadseg overlay` for images and addresses."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.downloads import YT_DLP_SOCKETS
from helpers.servers import Site, content, serving, write_clip
from helpers.tiny_sets import write_image

pytestmark = [*YT_DLP_SOCKETS, pytest.mark.timeout(120)]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with an image and a file that is none, below the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    write_image(folder / "a.png", np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    (folder / "b.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving() as running:
        running.routes["/clip.mp4"] = content(write_clip(tmp_path / "clip.mp4").read_bytes())
        yield running


def test_an_image_goes_to_the_folder_out(roadseg, run: Path, photos: Path, capsys):
    assert roadseg("overlay", photos / "a.png", "--run", run, "--engine", "torch", "--quiet") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("1 image\n") and "results in out/a.overlay.png" in printed.out
    assert printed.err == "" and Path("out/a.overlay.png").exists()


def test_failures_of_images_are_told_and_json_has_them(roadseg, run: Path, photos: Path, capsys):
    assert roadseg("overlay", photos, "--run", run, "--engine", "torch", "--json", "--overwrite") == 1
    printed = capsys.readouterr()
    done, failed = json.loads(printed.out)["images"]
    assert (done["status"], done["size_px"]) == ("done", [64, 48])
    assert sum(done["fractions"].values()) == pytest.approx(1)
    assert failed["status"] == "failed" and failed["cause"] in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos", "--smooth"], "--smooth is for videos"),
        (["photos", "--shard", "1/2"], "--shard is for videos"),
        (["photos/a.png", "drive.mp4"], "give one kind at a time"),
    ],
)
def test_what_images_do_not_have_is_refused(roadseg, photos: Path, arguments, message, capsys):
    assert roadseg("overlay", *arguments) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", "").split())
    assert not Path("out").exists()


def test_a_video_at_an_address_is_fetched_and_drawn_on(roadseg, run: Path, photos: Path, site: Site, capsys):
    options = ("--run", run, "--engine", "torch", "--quiet")
    assert roadseg("overlay", site.url("/clip.mp4"), site.url("/none.mp4"), *options) == 1
    assert "none.mp4: the server answered 404" in capsys.readouterr().err
    (video,) = Path("data/videos").glob("*.mp4")
    assert Path("out", f"{video.stem}.overlay.mp4").exists()
    assert roadseg("overlay", site.url("/none.mp4"), *options) == 1


def test_a_video_is_shown_live_and_nothing_is_written(roadseg, run: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    clip = write_clip(tmp_path / "clip.mp4")
    assert roadseg("overlay", clip, "--run", run, "--engine", "torch", "--port", "0", "--duration", "0.2") == 0
    printed = capsys.readouterr()
    assert "look at http://127.0.0.1:" in printed.err
    assert "frames/s, latency" in printed.out and "dropped" in printed.out
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["77", "--port", "0"], 1, "error: camera 77: there is none, or another program has it"),
        (["rtsp://127.0.0.1:1/x", "--port", "0"], 1, "error: rtsp://127.0.0.1:1/x: Connection refused"),
        (["drive.mp4", "--show", "--masks", "npz"], 2, "--masks does not go with a live look"),
        (["0", "1"], 2, "a live look is at one source at a time"),
    ],
)
def test_a_live_look_that_cannot_be_had_is_told(roadseg, run: Path, photos: Path, arguments, code, message, capsys):
    assert roadseg("overlay", *arguments, "--run", run, "--engine", "torch") == code
    assert message in " ".join(capsys.readouterr().err.replace("│", "").split())
    assert not Path("out").exists()
