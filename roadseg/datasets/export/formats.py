"""Formats in which labels can be written, by name."""

from typing import Literal

from roadseg.datasets.export.coco import write_coco
from roadseg.datasets.export.cvat import write_cvat
from roadseg.datasets.export.fiftyone import write_fiftyone
from roadseg.datasets.export.labelled_image import WriteLabels
from roadseg.datasets.export.png_folder import write_png_folder

LabelFormat = Literal["png", "cvat", "fiftyone", "coco"]
FORMATS: dict[LabelFormat, WriteLabels] = {
    "png": write_png_folder,
    "cvat": write_cvat,
    "fiftyone": write_fiftyone,
    "coco": write_coco,
}
