from pathlib import Path

import pytest

from roadseg.errors import InputError
from roadseg.overlay.tasks import Shard, Task, find_tasks

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


def test_sub_folders_keep_names_apart_and_equal_names_in_one_are_refused():
    find_tasks(["drives"], OUT)
    Path("drives/a/1.mov").touch()
    with pytest.raises(InputError, match=r"drives/a/1.mov and drives/a/1.mp4 would both become out/a/1.overlay.mp4"):
        find_tasks(["drives"], OUT)


def test_shards_are_a_partition_that_follows_no_order():
    tasks = [Task(Path(f"{number:02}.mp4"), OUT) for number in range(10)]
    shards = [Shard(number, 3).of(tasks[::-1]) for number in (1, 2, 3)]
    assert shards == [tasks[0::3], tasks[1::3], tasks[2::3]]
    assert Shard(11, 12).of(tasks) == []
