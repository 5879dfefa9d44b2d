"""Requests of the page, checked before anything is done."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadseg.errors import InputError, mistakes
from roadseg.labels.palettes import PaletteName
from roadseg.overlay.appearance import AppearanceOptions, LegendPlace, Style

MOST_MINUTES = 24 * 60


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Look(_Request):
    """Appearance of an overlay. A palette is a name here, never a file."""

    opacity: float = 0.5
    style: Style = "fill"
    palette: PaletteName = "cityscapes"
    legend: LegendPlace = "below"
    classes: tuple[str, ...] = ()
    blur: tuple[str, ...] = ()
    side_by_side: bool = False
    fit_edges: bool = False

    def options(self) -> AppearanceOptions:
        """Return the keywords of `overlay_videos`."""
        return {
            "opacity": self.opacity,
            "style": self.style,
            "palette": self.palette,
            "legend": self.legend,
            "classes": self.classes,
            "blur": self.blur,
            "side_by_side": self.side_by_side,
            "fit_edges": self.fit_edges,
        }


class PreviewRequest(_Request):
    """A frame to look at."""

    video: int
    run: str
    seconds: Annotated[float, Field(ge=0, le=1e9)]
    look: Look


class OverlayRequest(_Request):
    """An overlay to make."""

    video: int
    run: str
    look: Look
    smooth: bool = False
    overwrite: bool = False


class AdaptRequest(_Request):
    """An adaptation to the frames of videos."""

    videos: Annotated[tuple[int, ...], Field(min_length=1)]
    minutes: Annotated[float, Field(gt=0, le=MOST_MINUTES)]
    name: Annotated[str, Field(max_length=100)] = ""


class ContinueRequest(_Request):
    """A run to continue."""

    run: str


class OpenRequest(_Request):
    """A path that a person typed."""

    path: Annotated[str, Field(max_length=4096)]


AnyRequest = TypeVar("AnyRequest", bound=_Request)


def checked(kind: type[AnyRequest], value: Any) -> AnyRequest:
    """Return a request as its kind.

    Raises:
        InputError: it is not of that form.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise InputError(f"request: {mistakes(error, kind.model_fields)}", "Reload the page.") from None
