"""Window that shows a live overlay."""

import os
import sys
from types import TracebackType
from typing import Self

import cv2

from roadseg.overlay.live import LiveStatus
from roadseg.video.frame import Frame

KEYS = (27, ord("q"))
"""Escape and q close the window."""
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_display() -> bool:
    """Return True where a window can be opened: there is a screen, and OpenCV was built for it."""
    if sys.platform == "linux" and not any(os.environ.get(name) for name in DISPLAYS):
        return False
    gui = next((line for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")), "")
    return not gui.endswith("NONE")


class LiveWindow:
    """Window of OpenCV; all calls come from the main thread.

    Args:
        title: name of the source.
    """

    def __init__(self, title: str) -> None:
        self._name = f"roadseg: {title}"
        self._opened = False
        self.closed = False
        """True once a person closed it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        cv2.destroyAllWindows()
        cv2.waitKey(1)

    def show(self, frame: Frame, status: LiveStatus) -> None:
        """Show a frame."""
        if not self._opened:
            # OpenCV's wheels have Qt without fonts, about which it would print three lines.
            os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
            cv2.namedWindow(self._name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(self._name, frame.width, frame.height)
            self._opened = True
        cv2.imshow(self._name, cv2.cvtColor(frame.to_rgb(), cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF
        self.closed = pressed in KEYS or cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) < 1

    def say(self, notice: str) -> None:
        """Windows have no place for notices; the terminal has them."""
