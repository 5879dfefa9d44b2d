import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, OutputError
from roadseg.files import held
from roadseg.overlay.fleet import overlay_fleet
from roadseg.overlay.job import Failure
from roadseg.overlay.tasks import Shard, Task, find_tasks

pytestmark = pytest.mark.timeout(120)


def made(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and path.name != ".lock")


def results(*names):
    return sorted(name + kind for name in names for kind in (".overlay.mp4", ".frames.parquet", ".summary.json"))


def test_failures_are_recorded_and_what_failed_before_is_not(tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    make_drive(drives / "a" / "1.mp4")
    make_drive(drives / "b" / "1.mp4")
    (drives / "b" / "0.mp4").write_text("no video")
    tasks = [*find_tasks([str(drives)], out), Task(tmp_path / "no.mp4", out)]
    seen = list(overlay_fleet(tasks, TheUpperHalfIsSky(), out))
    assert [isinstance(result, Failure) for result in seen] == [False, True, False, True]
    assert made(out) == sorted(["failures.jsonl", *results("a/1", "b/1")])
    first, second = map(json.loads, (out / "failures.jsonl").read_text().splitlines())
    assert (first["video"], second["video"]) == (str(drives / "b" / "0.mp4"), str(tmp_path / "no.mp4"))
    assert (second["cause"], second["remedy"]) == (f"{tmp_path}/no.mp4: no such file", "Check the path.")
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(first["time"]) < timedelta(minutes=2)

    seen = list(overlay_fleet([task for task in tasks if task.video.exists()], TheUpperHalfIsSky(), out))
    assert [not isinstance(result, Failure) and result.skipped for result in seen] == [True, False, True]
    assert len((out / "failures.jsonl").read_text().splitlines()) == 1

    (drives / "b" / "0.mp4").unlink()
    assert all(result.skipped for result in overlay_fleet(find_tasks([str(drives)], out), TheUpperHalfIsSky(), out))
    assert made(out) == results("a/1", "b/1")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode")
def test_a_name_that_is_not_utf8_is_a_failure_with_its_remedy(tmp_path):
    drives, out = tmp_path / "drives", tmp_path / "out"
    make_drive(drives / "good.mp4")
    make_drive(drives / "bad.mp4").rename(drives / os.fsdecode(b"caf\xe9.mp4"))
    seen = list(overlay_fleet(find_tasks([str(drives)], out), TheUpperHalfIsSky(), out))
    assert sorted(isinstance(result, Failure) for result in seen) == [False, True]
    (record,) = map(json.loads, (out / "failures.jsonl").read_text(encoding="utf-8").splitlines())
    assert record["cause"] == f"{drives}/caf\\udce9.mp4: its name is not in UTF-8" and record["remedy"] == "Rename it."
    assert made(out) == sorted(["failures.jsonl", *results("good")])


def test_the_record_is_up_to_date_when_a_call_is_stopped(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "failures.jsonl").write_text("of the last call\n")
    going = overlay_fleet([Task(tmp_path / "no.mp4", out), Task(tmp_path / "nor.mp4", out)], TheUpperHalfIsSky(), out)
    next(going)
    going.close()
    assert [json.loads(line)["video"] for line in (out / "failures.jsonl").read_text().splitlines()] == [
        str(tmp_path / "no.mp4")
    ]


def test_a_shard_does_its_part_and_has_its_own_record(tmp_path):
    out = tmp_path / "out"
    for name in "abc":
        make_drive(tmp_path / f"{name}.mp4")
    tasks = [*find_tasks([str(tmp_path)], out), Task(tmp_path / "d.mp4", out)]
    assert [Path(one.video).name for one in overlay_fleet(tasks, TheUpperHalfIsSky(), out, shard=Shard(1, 2))] == [
        "a.mp4",
        "c.mp4",
    ]
    assert made(out) == results("a", "c")
    assert len(list(overlay_fleet(tasks, TheUpperHalfIsSky(), out, shard=Shard(2, 2)))) == 2
    assert made(out) == sorted(["failures-2-of-2.jsonl", *results("a", "b", "c")])


def test_all_shards_refuse_equal_names_and_the_same_shard_is_refused(tmp_path):
    out = tmp_path / "out"
    one, other = Task(tmp_path / "1.mp4", out), Task(tmp_path / "1.mov", out)
    with pytest.raises(InputError, match="would both become"):
        list(overlay_fleet([one, other], TheUpperHalfIsSky(), out, shard=Shard(1, 2)))
    with held(out / "failures-1-of-2.jsonl"):
        with pytest.raises(OutputError, match=r"failures-1-of-2\.jsonl: another roadseg process is writing here"):
            list(overlay_fleet([one], TheUpperHalfIsSky(), out, shard=Shard(1, 2)))
        assert list(overlay_fleet([one], TheUpperHalfIsSky(), out, shard=Shard(2, 2))) == []


def test_shards_work_side_by_side_but_never_on_the_same_video(tmp_path):
    """Two processes, each of which waits in the middle of its video for the other to get there."""
    drives, out = tmp_path / "drives", tmp_path / "out"
    make_drive(drives / "a.mp4")
    make_drive(drives / "b.mp4")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "helpers.shard_process", drives, out, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == "in the middle\n", process.communicate()[1]
        both = list(overlay_fleet(find_tasks([str(drives)], out), TheUpperHalfIsSky(), out))
        assert all("another roadseg process is writing here" in result.error.cause for result in both)
        assert len(both) == 2
        for process in processes:
            process.stdin.write("go on\n")
            process.stdin.flush()
        for name, process in zip("ab", processes, strict=True):
            stdout, stderr = process.communicate(timeout=60)
            assert (process.returncode, stdout) == (0, f"done {drives / name}.mp4\n"), stderr
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert made(out) == sorted(["failures.jsonl", *results("a", "b")])
    again = list(overlay_fleet(find_tasks([str(drives)], out), TheUpperHalfIsSky(), out))
    assert [result.skipped for result in again] == [True, True]
