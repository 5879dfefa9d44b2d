"""Structure of the package: the direction of imports, no circles, and the modules that start-up may load."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import roadseg

PACKAGE = Path(roadseg.__file__).parent

LAYERS = [
    {"errors"},
    {"cores", "files", "inputs"},
    {"labels", "runtime"},
    {"models", "streets", "video"},
    {"datasets", "fetch", "positions"},
    {"drives"},
    {"adaptation"},
    {"training"},
    {"inference"},
    {"overlay"},
    {"along"},
    {"evaluation"},
    {"retrieval"},
    {"report"},
    {"jobs"},
    {"bench"},
    {"app"},
    {"cli"},
]
"""Rooms from the ground up: a room imports only from those above it in this list."""
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
LOOSE_MODULES = 4


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    name = ".".join(("roadseg", *path.relative_to(PACKAGE).with_suffix("").parts))
    return name.removesuffix(".__init__")


MODULES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def roadseg_imports(source: str, modules: set[str]) -> set[str]:
    """Return those of `modules` that the source imports anywhere, even inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            found |= inside or {node.module}
    return found & modules


@cache
def imports_of(module: str) -> frozenset[str]:
    """What a module of the package imports of it."""
    return frozenset(roadseg_imports(MODULES[module].read_text(), set(MODULES)))


def test_roadseg_imports_sees_every_form():
    source = "import roadseg.a\nfrom roadseg import b, __version__\ndef f():\n    from roadseg.c.d import e\n"
    modules = {"roadseg", "roadseg.a", "roadseg.b", "roadseg.c.d"}
    assert roadseg_imports(source, modules) == {"roadseg.a", "roadseg.b", "roadseg.c.d"}


def test_imports_point_one_way():
    wrong = []
    for module in MODULES:
        room = module.partition(".")[2].partition(".")[0]
        if room in ("", "__main__"):  # the public names, and the door of the program
            continue
        assert room in RANK, f"{room}: a new room; give it a place in LAYERS"
        for other in imports_of(module) - {"roadseg"}:
            there = other.split(".")[1]
            if there != room and RANK[there] >= RANK[room]:
                wrong.append(f"{module} imports {other}")
    assert not wrong, "\n".join(wrong)


def test_no_file_imports_itself_by_way_of_others():
    graph = {module: imports_of(module) for module in MODULES}
    graph["roadseg"] = set()  # its names are resolved when they are first used
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_modules_load_on_every_system():
    """No module of POSIX alone is imported at the top of a file."""
    posix = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    wrong = []
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            wrong += [f"{module} imports {name}" for name in posix.intersection(names)]
    assert not wrong, "\n".join(wrong)


def test_the_top_level_stays_small():
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= LOOSE_MODULES


def test_help_loads_no_heavy_library():
    heavy = {"torch", "cv2", "av", "numpy", "yt_dlp", "pyarrow", "pydantic", "ray", "jinja2", "plotly"}
    heavy |= {"typer.rich_utils", "markdown_it", "pygments"}
    code = "import sys; from roadseg.cli.main import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    *page, modules = shown.splitlines()
    assert len(page) > 20
    assert not heavy & set(modules.split())


def test_the_first_frame_of_an_overlay_waits_for_no_renderer_and_no_templates():
    late = {"roadseg.streets.render", "roadseg.datasets.catalogue", "jinja2", "plotly", "ray", "yt_dlp"}
    code = "import sys, roadseg.jobs.overlay; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "roadseg.overlay.job" in loaded
    assert not late & set(loaded)
