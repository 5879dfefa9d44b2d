import json
import subprocess
import sys

import pytest


def test_recipes_are_listed_with_their_purpose(roadseg, capsys):
    assert roadseg("recipes") == 0
    listed = capsys.readouterr().out
    assert "multi_level" in listed and "Fourier alignment" in listed
    assert roadseg("recipes", "--json") == 0
    recipes = {recipe["name"]: recipe["purpose"] for recipe in json.loads(capsys.readouterr().out)}
    assert recipes["streets_camvid_lsd"].startswith("Rendered streets to CamVid: generated images")


def test_a_recipe_is_printed_as_it_is(roadseg, capsys):
    assert roadseg("recipes", "multi_level") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Your roads, ") and "[adversarial]\n" in printed
    assert roadseg("recipes", "multi_levle") == 1
    assert "Did you mean multi_level?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["recipes"], ["recipes", "multi_level"]])
def test_no_torch_is_loaded(arguments):
    code = f"""
import sys
from roadseg.cli.main import main
sys.argv = ["roadseg", *{arguments}]
try:
    main()
finally:
    assert "torch" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0
