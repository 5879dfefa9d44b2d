"""Messages of a worker on another machine about missing files, without a second machine and without Ray."""

from types import SimpleNamespace

import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, OutputError, WeightsError
from roadseg.overlay.failures import Failure
from roadseg.overlay.job import DEFAULTS
from roadseg.overlay.ray_jobs import _places, _Worker
from roadseg.overlay.tasks import Task


class Frames:
    """Stands for the handle of the actor that counts frames."""

    def __init__(self):
        self.told = []
        self.add = SimpleNamespace(remote=self.told.append)


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A folder with a video and the mark that the call has made in its folder of results."""
    monkeypatch.chdir("/")
    make_drive(tmp_path / "drive.mp4")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".ray-mark").touch()
    return tmp_path


def worker(folder, load=TheUpperHalfIsSky):
    return _Worker(load, folder, folder / "out" / ".ray-mark")


def test_relative_paths_are_those_of_the_call(shared):
    frames, task = Frames(), Task(*map(type(shared), ("drive.mp4", "out")))
    one = worker(shared)
    assert one.ready() is None
    assert one.overlay(task, True, DEFAULTS, frames).video == "drive.mp4"
    assert (shared / "out" / "drive.summary.json").exists()
    assert sum(frames.told) == 5


def test_a_worker_with_another_folder_of_results_does_nothing(shared):
    (shared / "out" / ".ray-mark").unlink()
    one = worker(shared)
    error = one.ready()
    assert isinstance(error, OutputError)
    assert f"{shared}/out: another folder on" in error.cause and "storage that every machine sees" in error.remedy
    result = one.overlay(Task(shared / "drive.mp4", shared / "out"), True, DEFAULTS, Frames())
    assert isinstance(result, Failure) and result.error.cause == error.cause
    assert list((shared / "out").iterdir()) == []


def test_a_video_that_only_the_call_sees_is_not_taken_for_a_wrong_path(shared):
    task = Task(shared / "no.mp4", shared / "out")
    there, nowhere = (worker(shared).overlay(task, is_there, DEFAULTS, Frames()) for is_there in (True, False))
    assert "no.mp4: not there on" in there.error.cause and "storage that every machine sees" in there.error.remedy
    assert nowhere.error.cause.endswith("no.mp4: no such file")


def test_a_network_that_cannot_be_loaded_is_told(shared):
    def load():
        raise WeightsError("no trained model here")

    assert isinstance(worker(shared, load).ready(), WeightsError)


MACHINES = [
    {"Alive": True, "Resources": {"CPU": 16.0, "GPU": 2.0}},
    {"Alive": True, "Resources": {"CPU": 4.0}},
    {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
]


@pytest.mark.parametrize(
    ("device", "cpus", "gpu_share", "places", "resources"),
    [
        ("auto", 1, 1.0, 2, {"num_cpus": 1, "num_gpus": 1.0}),
        ("cuda", 2, 0.25, 8, {"num_cpus": 2, "num_gpus": 0.25}),
        ("auto", 4, 0.25, 4, {"num_cpus": 4, "num_gpus": 0.25}),  # the processors end first
        ("auto", 1, 0.4, 4, {"num_cpus": 1, "num_gpus": 0.4}),  # a fifth would need parts of both
        ("cpu", 2, 0.25, 10, {"num_cpus": 2, "num_gpus": 0}),
    ],
)
def test_workers_share_gpus_as_far_as_processors_last(device, cpus, gpu_share, places, resources):
    ray = SimpleNamespace(nodes=lambda: MACHINES)
    assert _places(ray, device, cpus, gpu_share) == (places, resources)


def test_a_cluster_without_room_for_a_worker_is_an_error():
    with pytest.raises(InputError, match="no machine of the Ray cluster has --ray-cpus 17 and a GPU"):
        _places(SimpleNamespace(nodes=lambda: MACHINES), "cuda", 17, 1.0)
