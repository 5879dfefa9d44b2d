"""List of packages: the recipes in `pipelines/` are installed as roadseg/pipelines, which pyproject.toml cannot say."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["roadseg", "roadseg.*"]), "roadseg.pipelines"],
    package_dir={"roadseg.pipelines": "pipelines"},
)
