"""Formats in which labels can be written, by name."""

from typing import Literal

from roadseg.datasets.export.coco import write_coco, write_coco_polygons
from roadseg.datasets.export.cvat import write_cvat
from roadseg.datasets.export.fiftyone import write_fiftyone
from roadseg.datasets.export.labelled_image import WriteLabels
from roadseg.datasets.export.png_folder import write_png_folder
from roadseg.datasets.export.yolo import write_ultralytics, write_yolo

LabelFormat = Literal["png", "cvat", "fiftyone", "coco", "coco-polygons", "yolo", "ultralytics"]
FORMATS: dict[LabelFormat, WriteLabels] = {
    "png": write_png_folder,
    "cvat": write_cvat,
    "fiftyone": write_fiftyone,
    "coco": write_coco,
    "coco-polygons": write_coco_polygons,
    "yolo": write_yolo,
    "ultralytics": write_ultralytics,
}
