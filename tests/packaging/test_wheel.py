"""The wheel is complete: installed elsewhere, it draws overlays and runs recipes by name."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from helpers.servers import write_clip
from helpers.tiny import write_streets

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = {"size": [96, 64], "crop": [64, 48], "steps": 1, "batch_size": 1, "workers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("roadseg", "pipelines"):  # a copy, since the build leaves folders beside them
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", out, source]
    made = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert made.returncode == 0, made.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Run the installed program in an empty folder, with the other packages of this environment."""
    site, here = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, timeout=120)
    # Without site, an editable install of this repository is not seen.
    code = (
        "import sys, roadseg; assert roadseg.__file__.startswith(sys.path[0]), roadseg.__file__; "
        "from roadseg.cli.main import main; main()"
    )
    paths = os.pathsep.join([str(site), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": paths}
        command = [sys.executable, "-S", "-P", "-c", code, *map(str, arguments)]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.folder = here
    return run


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_file_of_the_package_is_in_the_wheel(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    package = REPOSITORY / "roadseg"
    expected = {
        str(path.relative_to(REPOSITORY))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.parts[-2] != "pipelines"
    }
    recipes = {f"roadseg/pipelines/{path.name}" for path in (REPOSITORY / "pipelines").glob("*.toml")}
    assert len(recipes) > 40
    assert expected | recipes <= held


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_recipes_are_listed_and_run_by_name(installed):
    names = [recipe["name"] for recipe in json.loads(installed("recipes", "--json"))]
    assert {"indian_roads", "multi_level", "source_only"} <= set(names)
    assert "[adversarial]" in installed("recipes", "multi_level")
    write_streets(installed.folder / "source", 2)
    settings = {**TINY, "source": "source", "init": "default"}
    assignments = [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    installed("run", "source_only", *assignments)
    assert (installed.folder / "runs" / "source-only" / "model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_overlay_is_drawn(installed):
    write_clip(installed.folder / "drive.mp4", seconds=1)
    installed("overlay", "drive.mp4", "--input-size", "96x64", "--device", "cpu", "--out", "out")
    assert (installed.folder / "out" / "drive.overlay.mp4").is_file()
