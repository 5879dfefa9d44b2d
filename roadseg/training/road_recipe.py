"""Recipes of what the road shows: `roadseg run` goes from the clips of a camera to class shares along the road."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeFloat

from roadseg.training.recipe import PositiveFloat
from roadseg.training.score_recipe import FlatRecipe, several

CLIPS = "clips"
"""Key that makes a recipe one of the road."""


class RoadRecipe(FlatRecipe):
    """Clips, the run that labels them, and the places that their frames are added up by."""

    # Road
    clips: Annotated[tuple[str, ...], BeforeValidator(several), Field(min_length=1, validate_default=True)] = ()
    """For `roadseg run`: folders of clips, such as a camera's card, or drive files."""
    channel: str = "front"
    """Direction of the cameras: `front`, `rear`, ..."""
    run: str = "default"
    """The run that labels: a run folder, `default` or `indian`."""
    every: PositiveFloat | None = None
    """Seconds between the frames that are labelled; left out: every frame."""
    mask: Literal["auto", ""] = ""
    """`auto` leaves the bonnet and stamps of each video out of all shares."""
    gps: str = "auto"
    """Positions: `auto`, in or beside each video, or the path of a file."""
    along: PositiveFloat = 100.0
    """Metres of a segment of the driven line."""
    grid: NonNegativeFloat = 0.0
    """Metres of a cell, over which all drives add up; 0 for none."""
    network: str = ""
    """File of streets, over which all drives add up; empty for none."""
    indices: str = ""
    """TOML file of further indices; empty for none."""
    trim_ends: NonNegativeFloat = 0.0
    """Metres at the start and at the end of each drive that are left out of everything."""
    files: Annotated[tuple[Literal["geojson", "gpkg", "csv", "parquet"], ...], BeforeValidator(several)] = (
        "geojson",
        "csv",
    )
    """Formats of the tables."""
