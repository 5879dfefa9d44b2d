"""Devices, precisions, and a group of one process."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from roadseg import runtime
from roadseg.errors import InputError
from roadseg.runtime import is_main_process, main_process_first, process_group, start


def test_tf32_is_refused_where_there_is_none():
    with pytest.raises(InputError, match="needs a CUDA device, not 'cpu'"):
        start("cpu", "tf32")


@pytest.fixture
def launched_alone(monkeypatch):
    """The environment that torchrun gives to the only process it starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1, "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")


def sum_in_a_group_of_one(device):
    """Sum tensors over a group of one process, which still uses the library of the group."""
    with process_group():
        alone = start(device)
        assert (alone.rank, alone.processes, is_main_process()) == (0, 1, True)
        with main_process_first():
            tensors = [torch.arange(6.0, device=alone.device).view(2, 3), torch.ones(4, device=alone.device)]
        replace(alone, processes=2).all_sum(tensors)
        assert replace(alone, processes=2).any(True)
    return [tensor.cpu() for tensor in tensors]


def test_a_single_process_of_torchrun_has_a_group(launched_alone):
    counting, ones = sum_in_a_group_of_one("cpu")
    assert torch.equal(counting, torch.arange(6.0).view(2, 3))
    assert torch.equal(ones, torch.ones(4))
    assert not torch.distributed.is_initialized()  # noqa: TID251


@pytest.mark.gpu
def test_tensors_on_a_gpu_travel_by_nccl(launched_alone):
    counting, ones = sum_in_a_group_of_one("cuda")
    assert torch.equal(counting, torch.arange(6.0).view(2, 3))
    assert torch.equal(ones, torch.ones(4))


@pytest.mark.gpu
def test_a_stream_is_used_again_whichever_thread_is_next():
    on_gpu = start("cuda")
    runtime._idle_streams.clear()

    def compute(number):
        with on_gpu.stream():
            return (torch.full((1000,), number, device=on_gpu.device) * 2).sum().item()

    for _ in range(3):
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(compute, range(8))) == [2000 * number for number in range(8)]
    assert len(runtime._idle_streams[on_gpu.device]) <= 2


@pytest.mark.gpu
def test_float32_is_exact_and_tf32_is_not():
    torch.manual_seed(0)
    images, kernels = torch.randn(1, 256, 32, 32), torch.randn(64, 256, 3, 3)
    exact = torch.nn.functional.conv2d(images.double(), kernels.double())

    def error(precision):
        on_gpu = start("cuda", precision)
        with on_gpu.autocast():
            found = torch.nn.functional.conv2d(images.to(on_gpu.device), kernels.to(on_gpu.device))
        return ((found.cpu() - exact).norm() / exact.norm()).item()

    assert error("tf32") > 1e-4
    assert error("float32") < 1e-5
