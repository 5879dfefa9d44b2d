"""Limits of what is read from files that others made: larger input is refused before it takes memory or time.

docs/architecture.md has them as a table. Frames of videos are limited where they are opened, in
`roadseg.video.container`.
"""

MAX_IMAGE_PIXELS = 1 << 26
"""Pixels of an image or label map: 8192 x 8192."""
MAX_IMAGE_BYTES = 1 << 28
"""Bytes of an image file: 256 MiB."""
MAX_TEXT_BYTES = 1 << 20
"""Bytes of a TOML file or a `labelmap.txt`: 1 MiB."""
MAX_KEY_PARTS = 16
"""Parts of a TOML key, `a.b.c`: Python's parser takes time that grows with the square of their number."""
MAX_DEPTH = 16
"""Levels of tables and lists in a TOML file."""
MAX_JSON_BYTES = 1 << 23
"""Bytes of an annotation of polygons: 8 MiB."""
MAX_POLYGONS = 4096
"""Polygons of an annotation."""
MAX_CORNERS = 100_000
"""Corners of all polygons of an annotation."""
MAX_COORDINATE = 1 << 16
"""Distance of a corner from the origin of its image, in pixels."""
MAX_CLASS_NAME = 100
"""Characters of the name of a class; CVAT takes 64."""
MIN_SIDE, MAX_SIDE = 32, 8192
"""Sides of a network's input, in pixels, in recipes and in model cards."""
MAX_TRACK_BYTES = 1 << 26
"""Bytes of a file of positions: 64 MiB, some days at one a second."""
MAX_BASEMAP_BYTES = 1 << 26
"""Bytes of a background for maps: 64 MiB, the streets of a large city."""
