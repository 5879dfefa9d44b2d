"""The comparison with other loops, on a network made by hand."""

import peers
import pytest
from helpers.clips import make_clip
from helpers.foreign_networks import CLASSES, UNIT, nearest_colour, quicken_trials

from roadseg.jobs.import_network import import_network
from roadseg.labels.space import LabelSpace

pytestmark = [pytest.mark.extra("onnx", "onnxruntime"), pytest.mark.slow]


def test_results_are_read_back(tmp_path, monkeypatch):
    """Sound and uneven times are kept by roadseg and lost by a loop of OpenCV."""
    quicken_trials(monkeypatch)
    network = nearest_colour(tmp_path / "nearest.onnx", scaling=UNIT, batch=1, size=(64, 48))
    space = LabelSpace("four", CLASSES, ((128, 64, 128), (70, 70, 70), (107, 142, 35), (70, 130, 180)))
    import_network(network, tmp_path / "run", labels=space, normalization="0..1")
    clip = make_clip(tmp_path / "clip.mp4", pts=(0, 1, 2, 6, 7, 11), sound="aac").path
    monkeypatch.setattr(peers, "WAYS", {name: peers.WAYS[name] for name in ("roadseg", "plain")})
    found = peers.compared(clip, network, tmp_path / "run", rounds=1)
    assert [found[way].frames for way in ("roadseg", "plain")] == [6, 6]
    assert (found["roadseg"].sound, found["plain"].sound) == (True, False)
    assert found["roadseg"].time_error < 0.1 < 40 < found["plain"].time_error
    assert min(min(cost.wall, cost.core, cost.memory) for cost in found.values()) > 0
