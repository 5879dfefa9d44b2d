"""H.264 encoders for overlays, with their settings."""

from dataclasses import dataclass
from typing import Literal

EncoderName = Literal["x264", "nvenc"]


@dataclass(frozen=True)
class Encoder:
    """Settings of an encoder. It must not reorder frames (B-frames): segments are joined packet by packet."""

    codec: str
    """FFmpeg's name of the encoder."""
    options: dict[str, str]
    """FFmpeg's options."""
    quality: str
    """The option for constant quality: 0 is best, 51 worst."""
    at_once: int | None = None
    """Largest number of encoders that one process opens; None for as many as the processors allow."""


ENCODERS: dict[EncoderName, Encoder] = {
    # Quality, and size within a tenth, equal those of `veryfast` at crf 23, for less than half the time. With B-frames
    # the same frames often give another video, without them seldom. `mbtree`, rate control by how long a block stays
    # visible, is the part of `veryfast` that `superfast` lacks most, so it is switched on.
    "x264": Encoder(
        "libx264", {"preset": "superfast", "crf": "24", "bf": "0", "mbtree": "1", "rc-lookahead": "10"}, quality="crf"
    ),
    # Drivers of consumer cards allow 3 to 12 encoders for all programs together.
    "nvenc": Encoder(
        "h264_nvenc", {"preset": "p4", "tune": "hq", "rc": "vbr", "cq": "24", "bf": "0"}, quality="cq", at_once=2
    ),
}
DEFAULT_ENCODER: EncoderName = "x264"
