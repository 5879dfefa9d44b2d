"""Label maps as another program's own importer gives them; as a script, in whatever interpreter has that program.

    python read_back.py PROGRAM FORMAT FOLDER OUT.npz
    python read_back.py datumaro cvat FOLDER OUT.zip    # written again

One array per image, by its name without suffix: (H, W) uint8 train ids, 255 where there is no label; and "classes",
their names in the order of train ids. Needs numpy and the program alone.
"""

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np


def datumaro(label_format, folder):
    """The library by which CVAT reads and writes its formats; its "Segmentation mask 1.1" is PASCAL VOC's."""
    from datumaro import Dataset
    from datumaro.components.annotation import AnnotationType

    with tempfile.TemporaryDirectory() as unpacked:
        if label_format == "cvat":
            zipfile.ZipFile(folder / "annotations.zip").extractall(unpacked)
            dataset = Dataset.import_from(unpacked, "voc_instance_segmentation")
        else:
            dataset = Dataset.import_from(str(folder), "coco")
        names = [label.name for label in dataset.categories()[AnnotationType.label]]
        labels = {}
        for item in dataset:
            masks = [(one.image, names[one.label]) for one in item.annotations if one.type == AnnotationType.mask]
            labels[item.id] = painted(masks, [name for name in names if name != "background"])
    return labels, [name for name in names if name != "background"]


def exported_again(folder, out):
    """Write a zip as CVAT does when labels are exported with their images, by the same library."""
    from datumaro import Dataset

    with tempfile.TemporaryDirectory() as unpacked, tempfile.TemporaryDirectory() as exported:
        zipfile.ZipFile(folder / "annotations.zip").extractall(unpacked)
        shutil.copytree(folder / "images", Path(unpacked, "JPEGImages"))
        dataset = Dataset.import_from(unpacked, "voc_instance_segmentation")
        dataset.export(exported, "voc_instance_segmentation", save_media=True, label_map="source")
        shutil.make_archive(out.removesuffix(".zip"), "zip", exported)


def pycocotools(label_format, folder):
    from pycocotools.coco import COCO

    coco = COCO(str(folder / "annotations" / "instances_default.json"))
    names = [category["name"] for category in coco.loadCats(sorted(coco.getCatIds()))]
    labels = {}
    crowds = 0 if label_format == "coco-polygons" else 1
    for image in coco.loadImgs(coco.getImgIds()):
        found = coco.loadAnns(coco.getAnnIds(imgIds=image["id"], iscrowd=crowds))
        assert all(one["area"] == coco.annToMask(one).sum() for one in found)
        masks = [(coco.annToMask(one).astype(bool), coco.loadCats(one["category_id"])[0]["name"]) for one in found]
        labels[Path(image["file_name"]).stem] = painted(masks, names, (image["height"], image["width"]))
    return labels, names


def yolo(label_format, folder):
    """Text files and masks as ultralytics reads them, with its steps written down anew: its licence is not ours."""
    import cv2
    import yaml

    data = yaml.safe_load((folder / "data.yaml").read_text())
    names = [data["names"][train_id] for train_id in sorted(data["names"])]
    labels = {}
    for image in sorted((folder / data["train"]).iterdir()):
        if data.get("masks_dir"):
            labels[image.stem] = cv2.imread(str(folder / data["masks_dir"] / f"{image.stem}.png"), cv2.IMREAD_GRAYSCALE)
            continue
        height, width = cv2.imread(str(image)).shape[:2]
        masks = []
        for line in (folder / "labels" / f"{image.stem}.txt").read_text().splitlines():
            train_id, *numbers = line.split()
            assert len(numbers) >= 6 and all(0 <= float(number) <= 1 for number in numbers)
            outline = np.array(numbers, np.float32).reshape(-1, 2) * np.array([width, height], np.float32)
            mask = cv2.fillPoly(np.zeros((height, width), np.uint8), [outline.astype(np.int32)], 1)
            masks.append((mask.astype(bool), names[int(train_id)]))
        labels[image.stem] = painted(masks, names, (height, width))
    return labels, names


def fiftyone(label_format, folder):
    import fiftyone as fo

    dataset = fo.Dataset.from_dir(str(folder), fo.types.FiftyOneDataset, name=f"read-back-{folder}")
    try:
        targets = dataset.default_mask_targets
        labels = {}
        for sample in dataset:
            assert Path(sample.filepath).is_file()
            values = sample["segmentation"].get_mask()
            labels[Path(sample.filepath).stem] = np.where(values == 0, 255, values - 1).astype(np.uint8)
    finally:
        dataset.delete()
    return labels, [targets[value] for value in sorted(targets)]


def painted(masks, names, size=None):
    """A label map of masks, which may not lie over each other."""
    label = np.full(masks[0][0].shape if size is None else size, 255, np.uint8)
    for mask, name in masks:
        assert (label[np.asarray(mask, bool)] == 255).all()
        label[np.asarray(mask, bool)] = names.index(name)
    return label


if __name__ == "__main__":
    program, written_as, folder, out = sys.argv[1:]
    if out.endswith(".zip"):
        exported_again(Path(folder), out)
        sys.exit()
    read, classes = {"datumaro": datumaro, "pycocotools": pycocotools, "fiftyone": fiftyone, "yaml": yolo}[program](
        written_as, Path(folder)
    )
    np.savez(out, classes=classes, **read)
