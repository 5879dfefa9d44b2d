"""Recipes that begin with videos instead of data sets: `roadseg run` takes them from addresses to overlays."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from roadseg.training.recipe import AdaptRecipe, PositiveFloat, resolve_as

VIDEOS = "videos"
"""The key that makes a recipe one of videos."""
FRAMES = "frames"
"""Folder of the frames in the folder of the results."""


def _videos(value: Any) -> Any:
    """A single video need not be put into a list."""
    videos = [value] if isinstance(value, str) else value
    if not videos:
        raise ValueError("name at least one, for example --set videos=https://example.org/drive.mp4")
    if isinstance(videos, list) and len(set(map(str, videos))) < len(videos):
        raise ValueError("one is named twice")
    return videos


class VideoRecipe(AdaptRecipe):
    """An adaptation to the frames of videos, which are fetched first, and drawn on before and after."""

    # Videos
    videos: Annotated[tuple[str, ...], BeforeValidator(_videos)] = Field(default=(), validate_default=True)
    """For `roadseg run`: http(s) addresses or paths of the videos to adapt to by their frames, in place of `target`,
    and to draw on."""
    frames_every: PositiveFloat = 1.0
    """Seconds from one frame that is taken for adaptation to the next."""

    target: str = Field(default=FRAMES, exclude=True)

    @field_validator("target", mode="before")
    @classmethod
    def _no_other_target(cls, target: Any) -> Any:
        raise ValueError("the frames of `videos` are the target: leave one of the two out")

    def adaptation(self, frames: Path) -> AdaptRecipe:
        """The adaptation alone, to the pictures in the folder `frames`."""
        own = VideoRecipe.model_fields.keys() - AdaptRecipe.model_fields.keys()
        return AdaptRecipe.model_validate({**self.model_dump(exclude=own), "target": str(frames)})


def resolve_any(values: dict[str, Any], *, origin: str) -> AdaptRecipe:
    """A `VideoRecipe` of values that name videos, else an `AdaptRecipe`.

    Raises:
        RecipeError: listing every mistake at once.
    """
    return resolve_as(VideoRecipe if VIDEOS in values else AdaptRecipe, values, origin=origin)
