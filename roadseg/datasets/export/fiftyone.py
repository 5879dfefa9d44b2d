"""Writer of labels as a FiftyOne data set on disk."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.files import encode_png
from roadseg.labels.space import LabelSpace

FIELD = "segmentation"
"""Field of the samples that holds their labels."""


def write_fiftyone(out: Path, space: LabelSpace, labelled: Iterable[LabelledImage]) -> None:
    """Write the files that `fiftyone.Dataset.from_dir(OUT, fiftyone.types.FiftyOneDataset)` reads.

    These are data/, fields/segmentation/ with 8-bit masks, samples.json and metadata.json. Mask values are train ids
    plus one, named by the data set's `default_mask_targets`; 0, which FiftyOne does not draw, means no label.

    Args:
        out: an empty folder.
        space: label space of the label maps.
        labelled: images with their label maps, taken one after the other.
    """
    values = np.zeros(256, np.uint8)
    values[: len(space)] = np.arange(1, len(space) + 1)
    masks = out / "fields" / FIELD
    for folder in (out / "data", masks):
        folder.mkdir(parents=True)
    samples: list[dict[str, Any]] = []
    for image in labelled:
        image.write_to(out / "data")
        mask = masks / f"{image.name}.png"
        mask.write_bytes(encode_png(values[image.label]))
        labels = {"_cls": "Segmentation", "tags": [], "mask_path": mask.relative_to(out).as_posix()}
        samples.append(
            {
                "filepath": f"data/{image.file_name}",
                "tags": [],
                "metadata": None,
                "_media_type": "image",
                FIELD: labels,
            }
        )
    fields = "fiftyone.core.fields."
    metadata = {
        "media_type": "image",
        "sample_fields": {
            "filepath": f"{fields}StringField",
            "tags": f"{fields}ListField({fields}StringField)",
            "metadata": f"{fields}EmbeddedDocumentField(fiftyone.core.metadata.ImageMetadata)",
            FIELD: f"{fields}EmbeddedDocumentField(fiftyone.core.labels.Segmentation)",
        },
        "info": {
            "default_mask_targets": {str(train_id + 1): name for train_id, name in enumerate(space.classes)},
        },
    }
    for name, content in (("metadata.json", metadata), ("samples.json", {"samples": samples})):
        (out / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
