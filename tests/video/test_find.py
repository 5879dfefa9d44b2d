"""Videos by paths, folders, patterns and lists."""

from pathlib import Path

import pytest

from roadseg.errors import InputError
from roadseg.video.find import find_videos


@pytest.fixture(autouse=True)
def drives(tmp_path, monkeypatch):
    """Empty files: only their names count."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "drives/b/1.mp4",
        "drives/a/1.mp4",
        "drives/a/deep/2.MOV",
        "drives/3.mkv",
        "drives/a/1.overlay.mp4",
        "drives/a/2.overlay.mkv",
        "drives/a/1.summary.json",
        "drives/a/notes.txt",
        "drives/a/._1.mp4",
        "drives/.trash/4.mp4",
        "plain.mp4",
        "odd [1].mp4",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(*given):
    return [(str(video.path), str(Path("out", video.folder))) for video in find_videos(given)]


def test_a_name_that_no_disk_has_is_a_video_whose_opening_fails():
    assert find_videos("a" * 300 + ".mp4")[0].path == Path("a" * 300 + ".mp4")


BELOW = [
    ("drives/3.mkv", "out"),
    ("drives/a/1.mp4", "out/a"),
    ("drives/a/deep/2.MOV", "out/a/deep"),
    ("drives/b/1.mp4", "out/b"),
]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain.mp4", [("plain.mp4", "out")]),
        ("drives/a/1.mp4", [("drives/a/1.mp4", "out")]),
        ("drives/a/1.overlay.mp4", [("drives/a/1.overlay.mp4", "out")]),
        ("no.mp4", [("no.mp4", "out")]),
        ("odd [1].mp4", [("odd [1].mp4", "out")]),
        ("drives", BELOW),
        ("drives/", BELOW),
        ("drives/**/*", BELOW),
        ("drives/**", BELOW),
        ("drives/**/1.*", [BELOW[1], BELOW[3]]),
        ("drives/[ab]", BELOW[1:]),
        ("drives/a/*.mp4", [("drives/a/1.mp4", "out")]),
        ("*.mp4", [("odd [1].mp4", "out"), ("plain.mp4", "out")]),
    ],
)
def test_what_an_argument_stands_for(given, expected):
    assert found(given) == expected


def test_absolute_folders_and_patterns(tmp_path):
    expected = [(str(tmp_path / video), out) for video, out in BELOW]
    assert found(str(tmp_path / "drives")) == expected
    assert found(str(tmp_path / "drives/**/*")) == expected


@pytest.mark.parametrize(("name", "given"), [("list.txt", "lists/list.txt"), ("list", "@lists/list")])
def test_lists_are_relative_to_their_folder(tmp_path, name, given):
    (tmp_path / "lists").mkdir()
    lines = ["\ufeff# of today", "", "  a/1.mp4 ", "b/1.mp4\r", str(tmp_path / "plain.mp4"), "../drives/3.mkv", "# end"]
    (tmp_path / "lists" / name).write_text("\n".join(lines))
    assert found(given) == [
        ("lists/a/1.mp4", "out/a"),
        ("lists/b/1.mp4", "out/b"),
        (str(tmp_path / "plain.mp4"), "out"),
        ("lists/../drives/3.mkv", "out"),
    ]


def test_a_video_is_taken_once(tmp_path):
    Path("link.mp4").symlink_to("plain.mp4")
    assert found("drives/a", "plain.mp4", "./drives/a/1.mp4", str(tmp_path / "plain.mp4"), "link.mp4") == [
        ("drives/a/1.mp4", "out"),
        ("drives/a/deep/2.MOV", "out/deep"),
        ("plain.mp4", "out"),
    ]


def test_a_link_to_itself_is_a_video_whose_opening_fails():
    loop = Path("drives/loop.mp4")
    loop.symlink_to(loop.name)
    assert ("drives/loop.mp4", "out") in found("drives")


@pytest.mark.parametrize(
    ("given", "content", "cause"),
    [
        ("empty", None, "empty: no video in this folder"),
        ("no/*.mp4", None, "matches no video"),
        ("drives/a/*.json", None, "matches no video"),
        ("@no", None, r"no: this list of videos cannot be read \(No such file"),
        ("no.txt", None, "no.txt: this list of videos cannot be read"),
        ("@drives", None, r"drives: this list of videos cannot be read \(Is a directory"),
        ("list.txt", b"# nothing\n\n", "list.txt: no video in this list"),
        ("@list.txt", b"\xff\xfe\x00video", "list.txt: not a list of videos"),
        ("list.txt", b"a\x00b.mp4\n", "list.txt: not a list of videos"),
    ],
)
def test_nothing_found_is_an_error(given, content, cause):
    Path("empty").mkdir()
    if content:
        Path("list.txt").write_bytes(content)
    with pytest.raises(InputError, match=cause) as caught:
        find_videos(["plain.mp4", given])
    assert caught.value.remedy


def test_one_path_needs_no_list_around_it():
    assert find_videos("plain.mp4") == find_videos(Path("plain.mp4")) == find_videos([Path("plain.mp4")])
