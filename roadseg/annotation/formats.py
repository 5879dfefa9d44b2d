"""The formats in which labels can be written, by name."""

from typing import Literal

from roadseg.annotation.coco import write_coco
from roadseg.annotation.cvat import write_cvat
from roadseg.annotation.fiftyone import write_fiftyone
from roadseg.annotation.picture import WriteLabels
from roadseg.annotation.png_folder import write_png_folder

LabelFormat = Literal["png", "cvat", "fiftyone", "coco"]
FORMATS: dict[LabelFormat, WriteLabels] = {
    "png": write_png_folder,
    "cvat": write_cvat,
    "fiftyone": write_fiftyone,
    "coco": write_coco,
}
