"""Engines compared on labelled images."""

import json

import pytest
from helpers.tiny_sets import make_camvid

from roadseg.bench import engines
from roadseg.cli.main import main
from roadseg.inference.openvino_engine import openvino_precisions


@pytest.fixture
def bench(monkeypatch, tmp_path):
    data = make_camvid(tmp_path / "camvid", 3)

    def run(*options):
        size = ("--input-size", "96x64", "--rounds", "1", "--batch-size", "2", "--device", "cpu")
        monkeypatch.setattr("sys.argv", ["roadseg", "bench", "--engines", f"camvid:{data}", *size, *options])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0

    return run


@pytest.mark.slow
def test_every_engine_is_timed_held_against_float32_and_listed(bench, capsys, monkeypatch):
    bench("--json", "--quiet")
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["input_size"], found["batch_size"]) == (3, [96, 64], 2)
    names = [f"torch {precision}" for precision in engines.torch_precisions(on_cpu=True)]
    names += [f"openvino {precision}" for precision in openvino_precisions()]
    assert [each["name"] for each in found["engines"]] == names
    assert [each["name"] for each in found["engines"] if each["chosen"]] in (
        ["torch mixed"],
        ["torch float32"],
        ["openvino float32"],
        ["openvino mixed"],
    )
    assert found["engines"][0]["agreement"] == 100
    for each in found["engines"]:
        assert each["ms_a_frame"] > 0 and each["start_seconds"] > 0
        assert 90 < each["agreement"] <= 100
        assert each["miou"] == pytest.approx(found["engines"][0]["miou"], abs=5)

    comparison = engines.EngineComparison(
        **found | {"engines": [engines.EngineCost(**each) for each in found["engines"]]}
    )
    monkeypatch.setattr(engines, "compare_engines", lambda *_, **__: comparison)
    bench()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["engine", "precision"]
    assert len([line for line in lines[1:-1] if " * " in line]) == 1
    assert lines[-1].strip().startswith("* the default on this machine")


@pytest.mark.parametrize(("there", "precisions"), [(True, ("float32", "mixed", "bfloat16")), (False, ("float32",))])
def test_what_a_processor_would_emulate_is_left_out(monkeypatch, there, precisions):
    monkeypatch.setattr(engines, "cpu_has_bfloat16", lambda: there)
    assert engines.torch_precisions(on_cpu=True) == precisions
    assert engines.torch_precisions(on_cpu=False) == ("float32", "mixed", "float16")
