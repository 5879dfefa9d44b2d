import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers.bombs import sparse
from helpers.tiny import BUILDING, CAR, ROAD, SKY, street
from helpers.tiny_sets import make_folder, write_image, write_palette_png
from PIL import Image

from roadseg.datasets.folder import EXAMPLE, FOLDER
from roadseg.datasets.folder_labels import FolderLabels
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import IGNORE, conversion

DOCS = Path(__file__).resolve().parents[2] / "docs" / "datasets.md"


def written(root, labels, mask, *, name="a", image_name="a.jpg", mask_name="a.png"):
    """A folder of one image and one mask."""
    mask = np.asarray(mask)
    write_image(root / "images" / image_name, np.zeros((*mask.shape[:2], 3), np.uint8))
    write_image(root / "masks" / mask_name, mask.astype(np.uint8))
    (root / "labels.toml").write_text(labels)
    return root


def mistakes(tmp_path, labels):
    (tmp_path / "labels.toml").write_text(labels)
    with pytest.raises(DatasetError) as error:
        FOLDER.open(tmp_path, "val")
    return error.value.cause


def test_masks_of_16_bits_become_train_ids(tmp_path):
    dataset = FOLDER.open(make_folder(tmp_path, 2), "val")
    assert dataset.label_space.classes == ("sky", "house", "road", "vehicle")
    image, label = dataset.pair(1)
    picture, truth = street(1)
    for train_id, toy in enumerate((SKY, BUILDING, ROAD, CAR)):
        assert ((label == train_id) == (truth == toy)).all()
    assert np.abs(image.astype(int) - picture).mean() < 10


def test_networks_for_cityscapes_can_be_scored_and_trained_on_it(tmp_path):
    dataset = FOLDER.open(make_folder(tmp_path, 1), "val")
    space = dataset.label_space
    table = conversion(CITYSCAPES_19, space)
    theirs = {name: space.classes[table[i]] for i, name in enumerate(CITYSCAPES_19.classes) if table[i] != IGNORE}
    assert theirs == {
        "sky": "sky",
        "road": "road",
        "building": "house",
        "car": "vehicle",
        "truck": "vehicle",
        "bus": "vehicle",
    }
    label = dataset.in_space(CITYSCAPES_19).label(0)
    _, truth = street(0)
    assert (label == np.where(np.isin(truth, (SKY, ROAD)), truth, IGNORE)).all()


def test_masks_of_numbers_may_have_a_palette(tmp_path):
    mask = np.array([[0, 1], [2, 255]], np.uint8)
    root = written(tmp_path, "ignore = [0, 255]\n[classes]\nroad = 1\nkerb = 2", mask)
    write_palette_png(root / "masks" / "a.png", mask)
    assert FOLDER.open(root, "val").label(0).tolist() == [[IGNORE, 0], [1, IGNORE]]


def test_masks_of_colours(tmp_path):
    grey, green, blue, black = [128, 128, 128], [0, 255, 0], [0, 0, 255], [0, 0, 0]
    labels = 'ignore = "#000000"\n[classes]\nroad = "#808080"\nverge = ["#00ff00", "#0000FF"]'
    dataset = FOLDER.open(written(tmp_path, labels, [[grey, green], [blue, black]]), "val")
    assert dataset.label(0).tolist() == [[0, 1], [1, IGNORE]]
    assert dataset.label_space.colours == ((128, 128, 128), (0, 255, 0))


def test_train_ids_of_a_known_space(tmp_path):
    dataset = FOLDER.open(written(tmp_path, 'label_space = "cityscapes-19"', [[0, 18, 255]]), "val")
    assert dataset.label_space == CITYSCAPES_19
    assert dataset.label(0).tolist() == [[0, 18, IGNORE]]


def test_classes_of_numbers_are_drawn_in_colours_that_differ(tmp_path):
    names = [f"thing{number}" for number in range(40)]
    labels = "[classes]\nroad = 99\n" + "\n".join(f"{name} = {number}" for number, name in enumerate(names))
    colours = FOLDER.open(written(tmp_path, labels, [[0]]), "val").label_space.colours
    assert colours[0] == (128, 64, 128)
    assert len(set(colours)) == 41


@pytest.mark.parametrize(("split", "count"), [("train", 3), ("val", 1), ("", 3)])
def test_sub_folders_are_splits(tmp_path, split, count):
    make_folder(tmp_path, 3, split="train")
    make_folder(tmp_path, 1, split="val")
    assert len(FOLDER.open(tmp_path, split)) == count
    with pytest.raises(DatasetError, match="no split 'test' in it\nThere is train, val"):
        FOLDER.open(tmp_path, "test")


def test_sub_folders_of_other_names_are_none(tmp_path):
    make_folder(tmp_path, 2, split="monday")
    assert [sample.name for sample in FOLDER.open(tmp_path, "val").samples] == ["monday/drive_000", "monday/drive_001"]


def test_images_and_masks_in_one_folder(tmp_path):
    for name, shape in (("1_rgb.png", (2, 2, 3)), ("1_mask.png", (2, 2)), ("1_depth.png", (2, 2)), ("1.jpg", (2, 2))):
        write_image(tmp_path / name, np.ones(shape, np.uint8))
    layout = 'images = "."\nmasks = "."\nimage_suffix = "_rgb.png"\nmask_suffix = "_mask.png"\n'
    (tmp_path / "labels.toml").write_text(layout + "[classes]\nroad = 1")
    dataset = FOLDER.open(tmp_path, "val")
    assert [(one.name, one.label.name) for one in dataset.samples] == [("1", "1_mask.png")]
    assert dataset.label(0).tolist() == [[0, 0], [0, 0]]


def test_jpeg_images_beside_png_masks_need_no_suffix(tmp_path):
    write_image(tmp_path / "a.jpg", np.ones((2, 2, 3), np.uint8))
    write_image(tmp_path / "a.png", np.ones((2, 2), np.uint8))
    (tmp_path / "labels.toml").write_text('images = "."\nmasks = "."\n[classes]\nroad = 1')
    assert [sample.name for sample in FOLDER.open(tmp_path, "val").samples] == ["a"]


def test_a_value_that_nobody_named_is_an_error(tmp_path):
    dataset = FOLDER.open(written(tmp_path, "[classes]\nroad = 1", [[1, 7]]), "val")
    with pytest.raises(DatasetError, match=r"masks/a.png: label id 7 is unknown.*\n.*labels.toml"):
        dataset.label(0)
    coloured = written(tmp_path, '[classes]\nroad = "#010101"', [[[1, 1, 1], [7, 8, 9]]])
    with pytest.raises(DatasetError, match=r"masks/a.png: .*\(7, 8, 9\)"):
        FOLDER.open(coloured, "val").label(0)


def test_coloured_masks_where_numbers_are_described(tmp_path):
    dataset = FOLDER.open(written(tmp_path, "[classes]\nroad = 1", [[[1, 2, 3]]]), "val")
    with pytest.raises(DatasetError, match="one channel of class ids"):
        dataset.label(0)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DatasetError, match=r"no labels.toml in it.*\n`roadseg datasets show folder` prints one"):
        FOLDER.open(tmp_path, "val")
    (tmp_path / "labels.toml").write_text("[classes]\nroad = 1")
    with pytest.raises(DatasetError, match="images: no such folder"):
        FOLDER.open(tmp_path, "val")
    (tmp_path / "images").mkdir()
    with pytest.raises(DatasetError, match="images: no images in it"):
        FOLDER.open(tmp_path, "val")
    write_image(tmp_path / "images" / "a.png", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"1 of 1 label maps are missing; the first is .*masks/a.png"):
        FOLDER.open(tmp_path, "val")
    (tmp_path / "labels.toml").write_text('image_suffix = "_rgb.png"\n[classes]\nroad = 1')
    with pytest.raises(DatasetError, match=r"no image ends in _rgb\.png"):
        FOLDER.open(tmp_path, "val")


@pytest.mark.parametrize(
    ("labels", "mistake"),
    [
        ("", "give either [classes] or label_space"),
        ('label_space = "cityscapes-19"\n[classes]\nroad = 1', "give either [classes] or label_space"),
        ('label_space = "cityscapes"', "label_space: not a label space; known: cityscapes-19"),
        ('label_space = "cityscapes-19"\nignore = 0', "label_space already defines everything"),
        ("clases = 1\n[classes]\nroad = 1", "unknown key 'clases'"),
        ("[classes]\nroad = -1", "classes.road: -1 is not a mask value; write a number 0..65535 or a colour"),
        ("[classes]\nroad = 65536", "classes.road: 65536 is not a mask value"),
        ("[classes]\nroad = true", "classes.road: True is not a mask value"),
        ('[classes]\nroad = "grey"', "classes.road: 'grey' is not a mask value"),
        ('[classes]\nroad = "#80808"', "classes.road: '#80808' is not a mask value"),
        ('[classes]\nroad = "#80 080"', "classes.road: '#80 080' is not a mask value"),
        ("[classes]\nroad = []", "classes.road: it has no mask value"),
        ("[classes]\nroad = 1\nsky = [1, 2]", "mask value 1 is given twice"),
        ('[classes]\nroad = "#0000ff"\nsky = "#0000FF"', 'mask value "#0000ff" is given twice'),
        ("ignore = [1]\n[classes]\nroad = 1", "mask value 1 is given twice"),
        ('[classes]\nroad = 1\nsky = "#808080"', "numbers and colours are mixed"),
        (
            "[classes]\nroad = 1\nignore = 255",
            "classes.ignore: ignore is not a class but a key; write it above [classes]",
        ),
        ('mask_suffix = ".jpg"\n[classes]\nroad = 1', "mask_suffix: masks are PNG files"),
        ('[classes]\nroad = 1\n[contains]\nvehicle = ["car"]', "contains.vehicle: not one of [classes]"),
        (
            '[classes]\ncars = 1\n[contains]\ncars = ["cra"]',
            "contains: 'cra' is not a class of Cityscapes, which are road, ",
        ),
        ('[classes]\ncars = 1\ncar = 2\n[contains]\ncars = ["car"]', "contains: 'car' is one of [classes] itself"),
        ('[classes]\na = 1\nb = 2\n[contains]\na = ["car"]\nb = ["car"]', "contains: 'car' is given twice"),
        ('[classes]\n"a\\n" = 1', r"classes.'a\n': a name with line ends or control characters"),
        (f"[classes]\n{'a' * 9000} = 1", "...: a name of 9000 characters; 100 are possible"),
        ("[classes\nroad = 1", "not a readable TOML file"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path, labels, mistake):
    cause = mistakes(tmp_path, labels)
    assert cause.startswith(f"{tmp_path}/labels.toml: ")
    assert mistake in cause


def test_all_mistakes_are_named_at_once(tmp_path):
    cause = mistakes(tmp_path, 'mask_suffix = "x"\npictures = "y"\n[classes]\nroad = "z"')
    assert all(key in cause for key in ("mask_suffix: ", "'pictures'", "classes.road: "))


def test_the_example_is_complete_and_the_one_in_the_documentation(tmp_path):
    described = FolderLabels.model_validate(tomllib.loads(EXAMPLE))
    assert described.classes["road"] == (1, 2)
    dataset = FOLDER.open(written(tmp_path, EXAMPLE, [[0, 1, 2, 3, 4, 5, 255]]), "train")
    assert dataset.label(0).tolist() == [[IGNORE, 0, 0, 1, 2, 3, IGNORE]]
    assert f"```toml\n{EXAMPLE}```" in DOCS.read_text(encoding="utf-8")


def test_a_text_file_called_png(tmp_path):
    root = written(tmp_path, "[classes]\nroad = 1", [[1]])
    (root / "masks" / "a.png").write_text("hello")
    with pytest.raises(DatasetError, match=r"a\.png: cannot be read as a label map"):
        FOLDER.open(root, "val").label(0)


RED = 'mask_channel = "red"\n'


def test_ids_in_the_red_channel_as_carla_saves_them(tmp_path):
    root = written(tmp_path, f"{RED}[classes]\nroad = 1\ncar = 7", [[0, 0]])
    Image.fromarray(np.array([[[7, 0, 0, 255], [1, 44, 3, 255]]], np.uint8)).save(root / "masks" / "a.png")
    assert FOLDER.open(root, "val").label(0).tolist() == [[1, 0]]
    (root / "labels.toml").write_text(f'{RED}label_space = "cityscapes-19"')
    assert FOLDER.open(root, "val").label(0).tolist() == [[7, 1]]
    assert "goes with numbers" in mistakes(tmp_path, f'{RED}[classes]\nroad = "#0000ff"')
    assert "mask_channel" in mistakes(tmp_path, 'mask_channel = "blue"\n[classes]\nroad = 1')


def test_masks_of_one_bit(tmp_path):
    root = written(tmp_path, "[classes]\nroad = 0\nsky = 1", [[0, 1]])
    Image.fromarray(np.array([[0, 1]], bool)).save(root / "masks" / "a.png")
    assert FOLDER.open(root, "val").label(0).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("image_name", "mask_name", "suffix"),
    [("a.WEBP", "a.PNG", ""), ("a.tiff", "a.png", ""), ("a_RGB.png", "a.PNG", 'image_suffix = "_rgb.png"\n')],
)
def test_names_in_capital_letters_and_other_formats(tmp_path, image_name, mask_name, suffix):
    root = written(tmp_path, f"{suffix}[classes]\nroad = 1", [[1, 1]], image_name=image_name, mask_name=mask_name)
    dataset = FOLDER.open(root, "val")
    assert [sample.name for sample in dataset.samples] == ["a"]
    image, label = dataset.pair(0)
    assert (image.shape, label.tolist()) == ((1, 2, 3), [[0, 0]])
    assert dataset.notices == ()


def test_what_is_left_out_is_said(tmp_path):
    root = written(tmp_path, "[classes]\nroad = 1", [[1]])
    for name in (
        "images/b.heic",
        "images/deep/c.HEIC",
        "images/d.gif",
        "images/._e.gif",
        "masks/.hidden.png",
        "images/.trash/f.jpg",
        "masks/.trash/f.png",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"?")
    write_image(root / "masks" / "b.png", np.ones((1, 1), np.uint8))
    assert FOLDER.open(root, "val").notices == (
        f"{root}/images: images in other formats are left out: 2 .heic, 1 .gif; convert them to use them",
        f"{root}/masks: masks without an image are left out: 1 of 2; the first is b.png",
    )
    (root / "images" / "a.jpg").unlink()
    with pytest.raises(DatasetError, match=r"no images in it\nLooked for .*It has 2 .heic, 1 .gif: convert these"):
        FOLDER.open(root, "val")


@pytest.mark.slow
def test_a_labels_file_that_would_take_minutes_is_refused(tmp_path):
    for content in (f"{'a.' * 200_000}a = 1", f"a = {'[' * 200_000}", f"a = {'{a=' * 100_000}"):
        assert "labels.toml: not a readable TOML file: " in mistakes(tmp_path, content)
    numbers = ", ".join(map(str, range(65_536)))
    assert len(mistakes(tmp_path, f"ignore = [{numbers}, {numbers}]\n[classes]\nroad = 1")) < 2000
    sparse(tmp_path / "labels.toml", 1 << 33)
    with pytest.raises(DatasetError, match=r"not a readable TOML file: 8,589,934,592 bytes"):
        FOLDER.open(tmp_path, "val")
