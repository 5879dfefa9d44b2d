"""The names that `import roadseg` offers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import roadseg


def test_all_names_are_listed_once_in_order_and_nothing_else_is_offered():
    assert roadseg.__all__ == sorted(roadseg._MODULES) == sorted(set(roadseg.__all__))
    assert set(roadseg.__all__) <= set(dir(roadseg))
    with pytest.raises(AttributeError, match="no attribute 'lable'"):
        _ = roadseg.lable


@pytest.mark.parametrize("name", roadseg.__all__)
def test_each_name_is_what_its_module_defines(name):
    value = getattr(roadseg, name)
    assert value.__name__ == name and value.__module__ == roadseg._MODULES[name]


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(roadseg.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == roadseg._MODULES


def test_import_loads_no_heavy_library():
    code = "import sys, roadseg; dir(roadseg); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "cv2", "av", "pydantic"} & set(loaded)
