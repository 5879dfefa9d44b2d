"""`roadseg fetch` as a person or a script uses it: its outputs and exit codes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from helpers.downloads import YT_DLP_SOCKETS
from helpers.servers import Handler, Site, content, page, serving, write_clip
from rich.table import Table

from roadseg.cli.console import Reporter, fail
from roadseg.cli.options import parse_bytes, parse_section

pytestmark = YT_DLP_SOCKETS


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving() as running:
        running.routes["/clip.mp4"] = content(write_clip(tmp_path / "clip.mp4").read_bytes())
        yield running


def test_good_videos_are_kept_and_a_failed_one_is_told_in_two_lines(site: Site, roadseg, tmp_path: Path, capsys):
    code = roadseg("fetch", site.url("/clip.mp4"), site.url("/none.mp4"), "--out", tmp_path / "out")
    printed = capsys.readouterr()
    assert code == 1
    assert printed.err.splitlines() == [
        f"error: {site.url('/none.mp4')}: the server answered 404 Not Found",
        "       Check the address, or give the address of the video itself.",
    ]
    first, count = printed.out.splitlines()
    assert first.startswith(f"downloaded     {tmp_path}/out/generic-clip-")
    assert first.endswith("(96x64, 2.0 s, 0.1 MB)")
    assert count == "1 downloaded, 1 failed"


def test_json_names_every_video_and_nothing_else_is_printed(site: Site, roadseg, tmp_path: Path, capsys):
    arguments = ("fetch", site.url("/clip.mp4"), "--out", tmp_path / "out", "--json")
    assert [roadseg(*arguments), roadseg(*arguments)] == [0, 0]
    printed = capsys.readouterr()
    assert printed.err == ""
    decoder = json.JSONDecoder()
    first, end = decoder.raw_decode(printed.out)
    second, _ = decoder.raw_decode(printed.out[end:].lstrip())
    assert [first["videos"][0]["status"], second["videos"][0]["status"]] == ["downloaded", "already there"]
    assert Path(first["videos"][0]["file"]).stat().st_size == first["videos"][0]["video"]["size_bytes"]
    assert first["videos"][0]["video"] == second["videos"][0]["video"]


def test_json_of_a_failure_has_its_remedy(site: Site, roadseg, tmp_path: Path, capsys):
    assert roadseg("fetch", site.url("/none.mp4"), "--out", tmp_path / "out", "--json") == 1
    (video,) = json.loads(capsys.readouterr().out)["videos"]
    assert video["cause"] == "the server answered 404 Not Found"
    assert video["remedy"].startswith("Check the address")


def test_debug_shows_what_yt_dlp_says(site: Site, roadseg, tmp_path: Path, capsys, monkeypatch):
    from roadseg.cli import console

    monkeypatch.setattr(console._DebugFlag, "on", False)
    assert roadseg("fetch", site.url("/clip.mp4"), "--out", tmp_path / "out", "--debug") == 0
    assert "[generic] Extracting URL" in capsys.readouterr().err


@pytest.mark.slow
def test_markup_in_an_address_is_printed_as_it_is(site: Site, roadseg, tmp_path: Path, capsys):
    site.routes["/[bold]x"] = page("<title>none</title>")
    assert roadseg("fetch", site.url("/[bold]x"), "--out", tmp_path / "[red]out") == 1
    assert f"error: {site.url('/[bold]x')}: no video found" in capsys.readouterr().err


def test_control_characters_of_names_do_not_reach_the_terminal(capsys):
    table = Table("video\x1b[2J")
    table.add_row("a\x9b31m\u202egpj.exe")
    reporter = Reporter()
    reporter.result(table, None)
    reporter.say("[bold]x\x1b]0;title\x07[/bold]")
    reporter.warn("a\nerror: b")
    fail("c\x1b[2J\nd", "e\nf")
    printed = capsys.readouterr()
    assert not set("\x1b\x9b\u202e\x07") & set(printed.out + printed.err)
    assert "video\\x1b[2J" in printed.out
    assert printed.err.splitlines()[1:] == ["warning: a\\nerror: b", "error: c\\x1b[2J\\nd", "       e\\nf"]


def test_missing_ffmpeg_is_an_error_with_a_remedy(site: Site, roadseg, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert roadseg("fetch", site.url("/clip.mp4"), "--section", "0-1", "--out", tmp_path / "out") == 1
    assert "Install it (apt install ffmpeg" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--section", "5-1"), ("--rate-limit", "fast"), ("--max-height", "0")])
def test_wrong_usage_is_refused_before_anything_is_asked(site: Site, roadseg, tmp_path: Path, capsys, wrong):
    assert roadseg("fetch", site.url("/clip.mp4"), *wrong, "--out", tmp_path / "out") == 2
    assert "Usage:" in capsys.readouterr().err
    assert not site.seen


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_leaves_a_partial_file(site: Site, tmp_path: Path):
    body = (tmp_path / "clip.mp4").read_bytes()

    def stalling(handler: Handler) -> None:
        content(body, cut_at=30_000)(handler)
        handler.wfile.flush()
        handler.server.closing.wait(60)

    site.routes["/stalling.mp4"] = stalling
    out = tmp_path / "out"
    command = [sys.executable, "-m", "roadseg", "fetch", site.url("/stalling.mp4"), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not list(out.rglob("video.part")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    site.closing.set()
    assert (process.returncode, stdout, stderr) == (130, "", "error: interrupted\n")
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
        ".lock",
        "video.part",
        "video.version",
    ]


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("90-120.5", (90.0, 120.5)),
        ("1:30-2:00", (90.0, 120.0)),
        ("1:00:00-1:00:01", (3600.0, 3601.0)),
        ("90-", (90.0, float("inf"))),
        ("-90", (0.0, 90.0)),
    ],
)
def test_sections(text: str, section: tuple[float, float]):
    assert parse_section(text) == section


@pytest.mark.parametrize("text", ["", "90", "2:00-1:30", "5-5", "a-b", "1:2:3:4-5:0:0", "1--2"])
def test_sections_that_are_none(text: str):
    with pytest.raises(typer.BadParameter):
        parse_section(text)


@pytest.mark.parametrize(("text", "number"), [("500K", 5e5), ("1.5m", 1.5e6), ("2GB", 2e9), ("100", 100.0)])
def test_numbers_of_bytes(text: str, number: float):
    assert parse_bytes(text) == number


@pytest.mark.parametrize("text", ["", "0", "-1", "2X", "1e6"])
def test_numbers_of_bytes_that_are_none(text: str):
    with pytest.raises(typer.BadParameter):
        parse_bytes(text)
