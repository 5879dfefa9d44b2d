"""Recipes that start from videos instead of data sets: `roadseg run` fetches, adapts and draws."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from roadseg.training.recipe import AdaptRecipe, PositiveFloat, resolve, resolve_as

VIDEOS = "videos"
"""Key that makes a recipe one of videos."""
FRAMES = "frames"
"""Folder of the frames in the folder of the results."""


def _videos(value: Any) -> Any:
    videos = [value] if isinstance(value, str) else value
    if not videos:
        raise ValueError("name at least one, for example --set videos=https://example.org/drive.mp4")
    if isinstance(videos, list) and len(set(map(str, videos))) < len(videos):
        raise ValueError("one is named twice")
    return videos


class VideoRecipe(AdaptRecipe):
    """An adaptation to the frames of videos, which are fetched first, and get overlays before and after."""

    # Videos
    videos: Annotated[tuple[str, ...], BeforeValidator(_videos)] = Field(default=(), validate_default=True)
    """For `roadseg run`: http(s) addresses or paths of videos; their frames take the place of `target`."""
    frames_every: PositiveFloat = 1.0
    """Seconds between the frames that are taken for adaptation."""

    target: str = Field(default=FRAMES, exclude=True)

    @field_validator("target", mode="before")
    @classmethod
    def _no_other_target(cls, target: Any) -> Any:
        raise ValueError("the frames of `videos` are the target: leave one of the two out")

    def adaptation(self, frames: Path) -> AdaptRecipe:
        """Return the adaptation alone, to the images in the folder `frames`."""
        own = VideoRecipe.model_fields.keys() - AdaptRecipe.model_fields.keys()
        return resolve({**self.model_dump(exclude=own), "target": str(frames)}, origin="recipe of videos")


def resolve_any(values: Mapping[str, Any], *, origin: str) -> AdaptRecipe:
    """Check keys as a `VideoRecipe` where they name videos, else as an `AdaptRecipe`.

    Raises:
        RecipeError: listing all mistakes at once.
    """
    return resolve_as(VideoRecipe if VIDEOS in values else AdaptRecipe, values, origin=origin)
