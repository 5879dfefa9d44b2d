from pathlib import Path

import pytest

from roadseg.overlay.summary import title
from roadseg.overlay.tasks import Shard, Task, clashes, find_tasks

OUT = Path("out")


@pytest.fixture(autouse=True)
def drives(tmp_path, monkeypatch):
    """Empty files: only their names count."""
    monkeypatch.chdir(tmp_path)
    for name in ("drives/b/1.mp4", "drives/a/1.mp4", "drives/a/deep/2.mov", "plain.mp4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_results_go_to_the_same_sub_folders():
    assert find_tasks(["drives/a", "plain.mp4"], OUT) == [
        Task(Path("drives/a/1.mp4"), OUT),
        Task(Path("drives/a/deep/2.mov"), OUT / "deep"),
        Task(Path("plain.mp4"), OUT),
    ]


def test_equal_names_in_one_folder_refuse_each_other_alone():
    assert clashes(find_tasks(["drives"], OUT)) == {}
    Path("drives/a/1.mov").touch()
    refused = clashes(find_tasks(["drives"], OUT))
    assert [task.video.name for task in refused] == ["1.mov", "1.mp4"]
    causes = [error.cause for error in refused.values()]
    assert causes[0] == "drives/a/1.mov: drives/a/1.mp4 would become out/a/1.overlay.mp4 too"


def test_a_link_to_a_folder_above_is_not_entered_again():
    Path("drives/a/loop").symlink_to("..")
    for given in (["drives"], ["drives/**/*.mp4"]):
        assert len(find_tasks(given, OUT)) == len({task.video.resolve() for task in find_tasks(given, OUT)})
    assert [str(task.video) for task in find_tasks(["drives/**/*.mp4"], OUT)] == ["drives/a/1.mp4", "drives/b/1.mp4"]


def test_shards_are_a_partition_that_follows_no_order():
    tasks = [Task(Path(f"{number:02}.mp4"), OUT) for number in range(10)]
    shards = [Shard(number, 3).of(tasks[::-1]) for number in (1, 2, 3)]
    assert shards == [tasks[0::3], tasks[1::3], tasks[2::3]]
    assert Shard(11, 12).of(tasks) == []


def test_a_name_with_line_ends_is_shown_in_one_line():
    assert title("a\nb.mp4", None) == r"a\nb.mp4"
    assert title(Path("a\nb.mp4"), 2) == r"a\nb.mp4, track 2"
