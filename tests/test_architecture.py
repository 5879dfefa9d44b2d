"""Structure that a machine keeps: the direction of imports, and what the start-up may load."""

import ast
import subprocess
import sys
from pathlib import Path

import roadseg

PACKAGE = Path(roadseg.__file__).parent

LAYERS = [
    {"errors"},
    {"cores", "files", "validation"},
    {"frames", "labels", "openvino_runtime", "png", "runtime", "manifest", "ytdlp"},
    {"heatmaps", "label_spaces"},
    {"video", "datasets", "models", "streets"},
    {"annotation", "fetch", "synth", "machine", "adaptation", "evaluation", "overlay", "stats"},
    {"training", "inference"},
    {"pseudo_labels", "recipe", "report", "scale"},
    {"assembly", "labelling", "run_record", "scoring", "video_recipe"},
    {"adapt", "bench", "comparison", "retrieval"},
    {"experiment"},
    {"video_experiment"},
    {"demo"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def roadseg_imports(source: str) -> set[str]:
    """Names below `roadseg` that the source imports anywhere, even inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("roadseg.")}
        elif isinstance(node, ast.ImportFrom) and node.module == "roadseg":
            found |= {alias.name for alias in node.names if not alias.name.startswith("__")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("roadseg."):
            found.add(str(node.module).split(".")[1])
    return found


def test_roadseg_imports_sees_every_form():
    source = "import roadseg.a\nfrom roadseg import b, __version__\ndef f():\n    from roadseg.c.d import e\n"
    assert roadseg_imports(source) == {"a", "b", "c"}


def test_imports_point_one_way():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room in ("__init__", "__main__"):
            continue
        assert room in RANK, f"{room}: a new module; give it a layer in LAYERS"
        wrong += [
            f"{path.relative_to(PACKAGE)} imports {other}"
            for other in roadseg_imports(path.read_text())
            if other != room and RANK[other] >= RANK[room]
        ]
    assert not wrong, "\n".join(wrong)


def test_help_loads_no_heavy_library():
    heavy = {"torch", "cv2", "av", "numpy", "yt_dlp", "pyarrow", "pydantic", "ray", "jinja2", "plotly"}
    code = "import sys, roadseg.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)
