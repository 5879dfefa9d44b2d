import json

import pytest
from helpers.program import roadseg as program
from helpers.tiny_sets import make_cityscapes, make_folder

from roadseg.datasets.catalogue import DATASETS


def test_all_kinds_are_listed(roadseg, capsys):
    assert roadseg("datasets") == 0
    shown = capsys.readouterr().out
    assert "cityscapes       streets of 50 cities in and around Germany\n" in shown
    assert "train 2,975, val 500, test 1,525; 19 classes (cityscapes-19)\n" in shown
    assert [line.split()[0] for line in shown.splitlines() if line[0] != " "] == list(DATASETS)
    assert max(map(len, shown.splitlines())) <= 80


def test_the_list_as_json(roadseg, capsys):
    assert roadseg("datasets", "--json") == 0
    listed = {kind["name"]: kind for kind in json.loads(capsys.readouterr().out)}
    assert listed["gta5"]["splits"] == {"train": 24_966}
    assert listed["folder"]["splits"] == {"train": None, "val": None, "test": None}


@pytest.mark.parametrize("name", DATASETS)
def test_every_kind_is_shown(roadseg, capsys, name):
    assert roadseg("datasets", "show", name) == 0
    shown = capsys.readouterr().out
    assert f"{name}:data/{name}" in shown
    assert DATASETS[name].layout.splitlines()[0] in shown
    assert roadseg("datasets", "show", name, "--json") == 0
    assert json.loads(capsys.readouterr().out)["layout"] == DATASETS[name].layout


def test_an_unknown_kind(roadseg, capsys):
    assert roadseg("datasets", "show", "kitti") == 1
    assert "Known: streets, gta5" in capsys.readouterr().err


def test_a_folder_that_is_fine(roadseg, capsys, tmp_path):
    assert roadseg("datasets", "check", f"folder:{make_folder(tmp_path, 2)}") == 0
    shown = capsys.readouterr().out
    assert f"folder:{tmp_path}:train: 2 images, all read\n" in shown
    assert "\nno problems\n" in shown
    assert shown.split("vehicle")[1].split()[0] == "5.697"


def test_a_folder_that_is_not(roadseg, capsys, tmp_path):
    make_cityscapes(tmp_path, 13)
    for mask in tmp_path.rglob("*_labelIds.png"):
        mask.write_text("hello")
    assert roadseg("datasets", "check", f"cityscapes:{tmp_path}:val") == 1
    shown = capsys.readouterr().out
    assert "13 of 500 images" in shown
    assert "14 problems\n" in shown
    assert "and 4 more (--json lists all)" in shown
    assert shown.count("→ Delete it and unpack or fetch it again.") == 1


def test_the_check_as_json(roadseg, capsys, tmp_path):
    assert roadseg("datasets", "check", f"cityscapes:{make_cityscapes(tmp_path, 1)}:val", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["fine"]
    assert (report["images"], report["published"]) == (1, 500)


@pytest.mark.slow
def test_only_full_reads_every_image(roadseg, capsys, tmp_path):
    root = make_folder(tmp_path, 1)
    for number in range(1, 250):
        for folder, suffix in (("images", "jpg"), ("masks", "png")):
            (root / folder / f"drive_{number:03}.{suffix}").symlink_to(root / folder / f"drive_000.{suffix}")
    assert roadseg("datasets", "check", f"folder:{root}") == 0
    assert "250 images, 200 read, evenly spread" in capsys.readouterr().out
    assert roadseg("datasets", "check", f"folder:{root}", "--full") == 0
    assert "250 images, all read" in capsys.readouterr().out


def test_names_in_brackets_are_printed_as_they_are(roadseg, capsys, tmp_path):
    root = make_folder(tmp_path / "[bold]", 1, labels='ignore = [10, 20, 1000]\n[classes]\n"[red] road" = 30\n')
    assert roadseg("datasets", "check", f"folder:{root}") == 0
    shown = capsys.readouterr().out
    assert "[bold]" in shown
    assert "[red] road" in shown


def test_wrong_usage():
    ended = program("datasets", "check")
    assert ended.returncode == 2
    ended = program("datasets", "check", "cityscapes:nowhere")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "error: nowhere: no such folder\n       `roadseg datasets show cityscapes` shows its source and layout.\n"
    )


def test_a_folder_called_bomb_is_no_emoji(roadseg, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "bomb", 1)
    assert roadseg("datasets", "check", "folder:bomb:train") == 0
    assert capsys.readouterr().out.startswith("folder:bomb:train: 1 images, all read\n")
    assert roadseg("datasets", "check", "folder:car:train") == 1
    assert roadseg("evaluate", "default", "folder:car:val:car:val") == 1
    assert "car:val:car: no such folder" in capsys.readouterr().err
