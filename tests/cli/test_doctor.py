"""`roadseg doctor`, here and on machines that lack something."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from packaging.requirements import Requirement

from roadseg.bench import doctor
from roadseg.bench.doctor import Check
from roadseg.inference import torch_engine
from roadseg.inference.self_check import Outcome
from roadseg.overlay.device import DeviceOverlay


def named(checks: Iterator[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


@pytest.mark.slow
def test_roadseg_can_work_where_its_tests_run(roadseg, tmp_path: Path, capsys):
    assert roadseg("doctor", "--json", "--data", tmp_path) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert found["can_work"] and found["broken"] == []
    assert list(found["checks"]) == ["versions", "devices", "engines", "video", "programs", "extras", "disk"]
    versions = {check["name"]: check["found"] for check in found["checks"]["versions"]}
    assert versions.keys() >= {"python", "roadseg", "torch", "av", "opencv-python", "yt-dlp", "numpy"}
    assert "cpu" in [check["name"] for check in found["checks"]["devices"]]


@pytest.fixture
def engines_agree(monkeypatch):
    """Leave out the check of engines, which takes seconds and has tests of its own."""
    monkeypatch.setattr(doctor, "check_engine", lambda *engine, again: Outcome("", 1.0, 0.0))


@pytest.mark.slow
@pytest.mark.usefixtures("engines_agree")
def test_the_table_shows_every_check_and_a_verdict(roadseg, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert roadseg("doctor", "--data", tmp_path) == 0
    printed = capsys.readouterr()
    assert "encode x264" in printed.out and "extras" in printed.out
    assert printed.err.strip() == "roadseg works on this machine."


@pytest.mark.slow
@pytest.mark.usefixtures("engines_agree")
@pytest.mark.parametrize("quiet", [False, True])
def test_something_essential_that_is_broken_ends_with_1(roadseg, tmp_path: Path, capsys, monkeypatch, quiet):
    monkeypatch.setattr(doctor, "try_encoder", lambda name: "it gives no packets")
    assert roadseg("doctor", "--data", tmp_path, *["--quiet"] * quiet) == 1
    printed = capsys.readouterr()
    assert "→ pip install --force-reinstall av" in printed.out
    assert ("numpy" in printed.out) is not quiet
    assert printed.err.strip() == ("" if quiet else "Broken: encode x264.")


@pytest.mark.parametrize(
    ("requirement", "found"),
    [
        ("no-such-package>=1", "not installed"),
        ("numpy>=99", "wanted >=99"),
        ("roadseg-broken>=1", "1.0, cannot be imported: libGL.so.1 is missing"),
    ],
)
def test_packages_that_are_missing_old_or_broken(monkeypatch, tmp_path: Path, requirement: str, found: str):
    (tmp_path / "roadseg_broken.py").write_text("raise ImportError('libGL.so.1 is missing')")
    info = tmp_path / "roadseg_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: roadseg-broken\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(doctor, "requires", lambda distribution: [requirement])
    check = named(doctor.check_versions(), Requirement(requirement).name)
    assert check.state == "broken"
    assert check.found.endswith(found)
    assert check.remedy == f"pip install '{requirement}'"


def test_extras_are_read_from_the_metadata_through_the_extras_they_name(monkeypatch):
    asked = {
        "roadseg": [
            "numpy>=1",
            'absent-one>=1; extra == "more"',
            'pytest[inner]>=1; extra == "more"',
            'absent-elsewhere; extra == "more" and python_version < "3"',
            'numpy; extra == "whole"',
        ],
        "pytest": ['absent-two; extra == "inner"', 'absent-three; extra == "other"'],
    }
    monkeypatch.setattr(doctor, "requires", lambda distribution: asked[distribution])
    monkeypatch.setattr(doctor, "metadata", lambda distribution: Extras())
    assert list(doctor.check_extras()) == [
        Check("more", "missing", "without absent-one, absent-two", "pip install 'roadseg[more]'"),
        Check("whole", "ok", "installed"),
    ]


class Extras:
    def get_all(self, key: str) -> list[str]:
        assert key == "Provides-Extra"
        return ["more", "whole"]


@pytest.mark.parametrize(
    ("module", "bfloat16", "expected"),
    [
        (None, False, Check("engine", "missing", "torch; OpenVINO labels videos faster on a CPU", doctor.INSTALL)),
        (doctor, True, Check("engine", "ok", "openvino 1.2, float32 and bfloat16")),
        (doctor, False, Check("engine", "ok", "openvino 1.2, float32")),
    ],
)
def test_what_would_label_videos_on_a_cpu(monkeypatch, module, bfloat16, expected):
    monkeypatch.setattr(doctor.runtime, "devices", lambda: [torch.device("cpu")])
    monkeypatch.setattr(doctor, "openvino", lambda: module)
    monkeypatch.setattr(doctor, "openvino_has_bfloat16", lambda: bfloat16)
    monkeypatch.setattr(doctor, "version", lambda distribution: "1.2")
    assert named(doctor.check_devices(), "engine") == expected


def test_engines_that_compute_wrongly_are_shown(monkeypatch):
    def check(engine, network, weights, *, again):
        assert again
        return Outcome("computes wrongly") if engine.name == "torch mixed" else Outcome("", 0.998, 0.01)

    monkeypatch.setattr(doctor.runtime, "devices", lambda: [torch.device("cpu")])
    monkeypatch.setattr(torch_engine, "cpu_has_bfloat16", lambda: True)
    monkeypatch.setattr(doctor, "openvino_precisions", tuple)
    monkeypatch.setattr(doctor, "check_engine", check)
    wrong, right = doctor.check_engines()
    assert (wrong.name, wrong.state, wrong.found) == ("torch mixed", "missing", "cpu: computes wrongly")
    assert right == Check("torch float32", "ok", "cpu: 99.8 % of the labels of torch in float32")


def test_an_encoder_that_is_not_there_is_no_fault(monkeypatch):
    monkeypatch.setattr(doctor, "try_encoder", lambda name: None if name == "x264" else "Cannot load libcuda.so.1")
    missing = named(doctor.check_codecs(), "encode nvenc")
    assert missing.state == "missing"
    assert missing.found == "only needed by roadseg overlay --encoder nvenc: Cannot load libcuda.so.1"
    monkeypatch.setattr(doctor, "try_encoder", lambda name: None)
    assert named(doctor.check_codecs(), "encode nvenc").found == "works: --encoder nvenc"


def test_programs_are_found_on_the_path(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert named(doctor.check_programs(), "ffmpeg").state == "missing"
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert named(doctor.check_programs(), "ffmpeg") == Check("ffmpeg", "ok", str(program))


def test_a_disk_that_is_nearly_full_is_a_warning(monkeypatch, tmp_path: Path):
    data = tmp_path / "not" / "yet" / "there"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**10, 9 * 10**9, 10**9))
    (check,) = doctor.check_disk(data)
    assert (check.state, check.found) == ("missing", f"{data}: only 1.0 GB free")


@pytest.mark.parametrize(("limit", "smaller"), [("1048576\n", True), ("max\n", False)])
def test_memory_is_what_a_container_may_use(monkeypatch, tmp_path: Path, limit: str, smaller: bool):
    file = tmp_path / "memory.max"
    file.write_text(limit)
    monkeypatch.setattr(doctor, "GROUP_MEMORY_LIMIT", file)
    assert (named(doctor.check_devices(), "memory").found == "0.0 GiB") == smaller


def test_an_overlay_is_tried_on_a_device(monkeypatch):
    check = doctor.check_overlay(torch.device("cpu"))
    assert (check.name, check.state) == ("overlay on cpu", "ok")

    def drawn_wrongly(self, frames):
        return [(frames[0], np.zeros((48, 64), np.uint8))]

    monkeypatch.setattr(DeviceOverlay, "draw", drawn_wrongly)
    check = doctor.check_overlay(torch.device("cpu"))
    assert check.state == "missing" and "levels from those of the CPU" in check.found

    def out_of_memory(self, frames):
        raise torch.OutOfMemoryError("CUDA out of memory\nTried to allocate")

    monkeypatch.setattr(DeviceOverlay, "draw", out_of_memory)
    assert doctor.check_overlay(torch.device("cpu")).found == "CUDA out of memory"
