"""Overlays by a Ray cluster: each worker holds a segmenter and draws on one video after the other.

The only module that imports Ray, and only when it is asked for: it is an extra.
"""

import logging
import math
import os
import platform
import re
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import ModuleType
from typing import Any

from roadseg.cores import usable_cores
from roadseg.errors import InputError, OutputError, RoadsegError
from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.failures import Failure
from roadseg.overlay.job import DEFAULTS, overlay_or_failure
from roadseg.overlay.summary import OverlayOptions, OverlaySummary
from roadseg.overlay.tasks import Task
from roadseg.runtime import DeviceName

LOCAL, RUNNING = "local", "auto"
"""Addresses: a cluster of this machine's processors for this call; the running cluster of this machine."""
RETRIES = 3
"""Tries of a video whose worker died: machines get lost, but a video may also be what kills its workers."""
PROGRESS_SECONDS = 0.5
CONNECT_SECONDS = 5
OBJECT_STORE_BYTES = 80_000_000
"""Nearly the smallest store that Ray accepts: no frame goes through it."""
SHARED = "With --ray, videos and results must be on storage that every machine sees under the same path."
TOKEN = " A cluster with a token wants it here, too: RAY_AUTH_MODE=token, RAY_AUTH_TOKEN."

OnProgress = Callable[[int, int], None]
"""Called with the number of workers now and the number of frames that all of them have done."""


def overlay_on_ray(
    tasks: Sequence[Task],
    load_segmenter: Callable[[], Segmenter],
    out: Path,
    options: OverlayOptions = DEFAULTS,
    *,
    address: str = LOCAL,
    device: DeviceName = "auto",
    cpus: int = 1,
    gpu_share: float = 1.0,
    verbose: bool = False,
    on_progress: OnProgress = lambda workers, frames: None,
) -> Generator[OverlaySummary | Failure]:
    """Draw on videos by a Ray cluster; yield results as videos end, in any order.

    There is one worker per GPU, several with `gpu_share`, or one per `cpus` processors where no GPU is asked for.
    Workers see the videos, the folders of the results and what `load_segmenter` reads by the paths of this process,
    relative ones too. A worker that dies is replaced and does its video again, `RETRIES` times at most. Closing the
    generator stops the workers.

    Args:
        tasks: videos and the folders of their results.
        load_segmenter: called once in each worker; travels there by pickle.
        out: a folder that all machines see.
        options: how to draw.
        address: `LOCAL`, `RUNNING` or HOST:PORT of a cluster.
        device: "auto" takes GPUs if the cluster has any.
        cpus: threads of the network of a worker, and processors that are set aside for it.
        gpu_share: part of a GPU that a worker takes, above 0 up to 1: one video seldom keeps a GPU busy.
        verbose: let Ray and the workers print their messages.
        on_progress: called about twice a second.

    Raises:
        InputError: Ray is not installed, there is no such cluster or none with room for a worker, or the segmenter
            cannot be loaded.
        OutputError: a worker does not see `out`.
    """
    ray = _import_ray()
    with _cluster(ray, address, verbose), NamedTemporaryFile(dir=out, prefix=".ray-") as mark:
        places, resources = _places(ray, device, cpus, gpu_share)
        frames = ray.remote(num_cpus=0, max_restarts=-1)(_Frames).remote()
        make = ray.remote(**resources, max_restarts=-1, max_task_retries=RETRIES)(_Worker)
        workers = [
            make.remote(load_segmenter, Path.cwd(), out / Path(mark.name).name) for _ in range(min(places, len(tasks)))
        ]
        try:
            yield from _work(ray, workers, tasks, ray.put(options), frames, on_progress)
        finally:
            for worker in workers:
                ray.kill(worker)


class _Frames:
    """Counts the frames that all workers have done."""

    def __init__(self) -> None:
        self._done = 0

    def add(self, frames: int) -> None:
        self._done += frames

    def done(self) -> int:
        return self._done


class _Worker:
    """Process of the cluster that holds a segmenter and draws on one video after the other."""

    def __init__(self, load_segmenter: Callable[[], Segmenter], folder: Path, mark: Path) -> None:
        """Keep the arguments: after a death Ray calls this again, and it cannot report errors from here.

        Args:
            load_segmenter: called when the segmenter is first needed.
            folder: base of relative paths.
            mark: a file that only this call has made; where it is missing, the storage is not shared.
        """
        with suppress(OSError):  # where paths are relative, `mark` is not seen then
            os.chdir(folder)
        self._load_segmenter = load_segmenter
        self._mark = mark

    @cached_property
    def _segmenter(self) -> Segmenter:
        return self._load_segmenter()

    def ready(self) -> RoadsegError | None:
        """Load the segmenter; return the reason if this worker cannot work."""
        try:
            self._check_storage()
            _ = self._segmenter
        except RoadsegError as error:
            return error
        return None

    def overlay(self, task: Task, is_there: bool, options: OverlayOptions, frames: Any) -> OverlaySummary | Failure:
        """Draw on a video.

        Args:
            task: the video.
            is_there: the calling process sees the video.
            options: how to draw.
            frames: handle of the actor that counts frames.
        """
        reported, unreported = time.monotonic(), 0

        def count(*_: object) -> None:
            nonlocal reported, unreported
            unreported += 1
            if time.monotonic() - reported >= PROGRESS_SECONDS:
                frames.add.remote(unreported)
                reported, unreported = time.monotonic(), 0

        try:
            self._check_storage()  # again: after a death this may be another machine
            if is_there and not task.video.exists():
                raise InputError(f"{task.video}: not there on {platform.node()}, where a worker runs", SHARED)
            return overlay_or_failure(task, self._segmenter, options, on_progress=count)
        except RoadsegError as error:
            return Failure.of(task, error)
        finally:
            frames.add.remote(unreported)

    def _check_storage(self) -> None:
        if not self._mark.exists():
            out = self._mark.parent
            raise OutputError(f"{out}: another folder on {platform.node()}, where a worker runs", SHARED)


def _work(
    ray: ModuleType, workers: Sequence[Any], tasks: Sequence[Task], options: Any, frames: Any, on_progress: OnProgress
) -> Iterator[OverlaySummary | Failure]:
    waiting = deque(tasks)
    unfinished = len(tasks)
    ready = 0
    running: dict[Any, tuple[Any, Task | None]] = {worker.ready.remote(): (worker, None) for worker in workers}
    """Worker and video of each pending call; the video is None while the worker gets ready."""
    counted, done_frames = frames.done.remote(), 0
    while unfinished:
        ended, _ = ray.wait(list(running), timeout=PROGRESS_SECONDS)
        if ray.wait([counted], timeout=0)[0]:
            with suppress(ray.exceptions.RayError):  # its machine was lost: it starts again from 0
                done_frames = ray.get(counted)
            counted = frames.done.remote()
        on_progress(ready, done_frames)
        for reference in ended:
            worker, task = running.pop(reference)
            if task is None:
                _check_ready(ray, reference)
                ready += 1
            else:
                unfinished -= 1
                yield _result(ray, reference, task)
            if waiting:
                following = waiting.popleft()
                running[worker.overlay.remote(following, following.video.exists(), options, frames)] = worker, following
            else:
                ray.kill(worker)  # which leaves its place to one that lost its own
                ready -= 1


def _check_ready(ray: ModuleType, reference: Any) -> None:
    try:
        error = ray.get(reference)
    except ray.exceptions.RayError as ray_error:
        raise InputError(
            f"a worker of the Ray cluster cannot start ({_reason(ray, ray_error)})",
            "Every machine needs the same roadseg, in the Python that Ray runs there.",
        ) from ray_error
    if error is not None:
        raise error


def _result(ray: ModuleType, reference: Any, task: Task) -> OverlaySummary | Failure:
    try:
        result: OverlaySummary | Failure = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = f"{task.video}: unexpected error ({_reason(ray, error)})"
        return Failure.of(task, RoadsegError(cause, "Without --ray, --debug shows where it comes from."))
    except ray.exceptions.RayError as error:
        cause = f"{task.video}: {RETRIES + 1} workers died of it ({_reason(ray, error)})"
        return Failure.of(task, RoadsegError(cause, "If memory ran out, have fewer workers (--ray-cpus)."))
    return result


def _reason(ray: ModuleType, error: Exception) -> str:
    """Return the reason of an error in one line."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return f"{type(error.cause).__name__}: {error.cause}".partition("\n")[0]
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _import_ray() -> ModuleType:
    # Set before the import, which reads it: otherwise Ray reports how it is used, or asks whether it may.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return import_module("ray")
    except ImportError:
        raise InputError("Ray is not installed", "Install it: pip install 'roadseg[ray]'") from None


@contextmanager
def _cluster(ray: ModuleType, address: str, verbose: bool) -> Iterator[None]:
    """Connect to the cluster; a `LOCAL` one ends with the block."""
    _check_address(address)
    settings: dict[str, Any] = {}
    if address == LOCAL:
        settings = {
            "num_cpus": usable_cores(),
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
    if not verbose:
        settings |= {"log_to_driver": False, "logging_level": logging.ERROR}
        # Deaths of workers are printed whatever `log_to_driver` says, to stdout; Ray's debugger turns it off so.
        ray._private.worker._worker_logs_enabled = False
    try:
        with _own_sigterm(ray):
            ray.init(address=address, **settings)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_cluster(address, re.split(r"\n|\. ", str(error))[0], TOKEN) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _own_sigterm(ray: ModuleType) -> Iterator[None]:
    """Keep this process's answer to SIGTERM: Ray sets its own twice, and its C++ part a third that prints a trace."""
    ours = signal.getsignal(signal.SIGTERM)
    if ours is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    utils = ray._private.utils
    theirs, utils.set_sigterm_handler = utils.set_sigterm_handler, lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = theirs
        signal.signal(signal.SIGTERM, ours)


def _check_address(address: str) -> None:
    """Check the address first: Ray takes minutes and prints pages to say that nothing is there."""
    if address in (LOCAL, RUNNING):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise _no_cluster(address, "not an address")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, getattr(error, "strerror", None) or str(error)) from None


def _no_cluster(address: str, reason: str, hint: str = "") -> InputError:
    return InputError(
        f"--ray {address}: no Ray cluster to work on ({reason})",
        f"Give {LOCAL}, {RUNNING}, or the HOST:PORT that `ray start --head` printed.{hint}",
    )


def _places(ray: ModuleType, device: DeviceName, cpus: int, gpu_share: float) -> tuple[int, dict[str, float]]:
    """Return the number of workers that the cluster has room for, and the resources of each."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    on_gpu = device == "cuda" or (device == "auto" and any(machine.get("GPU") for machine in machines))
    on_each_gpu = int(1 / gpu_share)  # Ray does not divide a worker between two GPUs
    places = sum(
        int(min(machine.get("CPU", 0) // cpus, machine.get("GPU", 0) * on_each_gpu if on_gpu else math.inf))
        for machine in machines
    )
    if not places:
        wanted = f"--ray-cpus {cpus} and a GPU" if on_gpu else f"--ray-cpus {cpus}"
        raise InputError(f"no machine of the Ray cluster has {wanted}", "Ask for less; --device cpu needs no GPU.")
    return places, {"num_cpus": cpus, "num_gpus": gpu_share if on_gpu else 0}
