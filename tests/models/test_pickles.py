"""Files of torch.save that are broken, hostile or hold something else."""

import os
import pickle
import zipfile

import pytest
import torch

from roadseg.errors import WeightsError
from roadseg.models.pickles import read_pickle


class Command:
    """Runs a command where a file is read without care."""

    def __init__(self, text):
        self.text = text

    def __reduce__(self):
        return os.system, (self.text,)


class Buffer:
    """Asks for memory, by a name that torch trusts."""

    def __reduce__(self):
        return bytearray, (1 << 60,)


def refused(path):
    with pytest.raises(WeightsError) as error:
        read_pickle(path, what="weights", remedy="Download it again.")
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert text.count("\n") == 1
    assert len(text) < len(str(path)) + 400
    assert "weights_only" not in text
    return text


def test_tensors_and_numbers_are_read(tmp_path):
    torch.save({"a": torch.ones(2), "step": 3}, tmp_path / "a.pt")
    torch.save({"a": torch.ones(2), "step": 3}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for path in tmp_path.iterdir():
        assert read_pickle(path, what="weights", remedy="")["step"] == 3


@pytest.mark.parametrize("legacy", [False, True])
def test_programs_in_pickles_do_not_run(tmp_path, legacy):
    path, witness = tmp_path / "a.pt", tmp_path / "witness"
    torch.save({"a": Command(f"touch {witness}")}, path, _use_new_zipfile_serialization=not legacy)
    assert "it is broken, or holds more than tensors and numbers" in refused(path)
    path.write_bytes(pickle.dumps(Command(f"touch {witness}")))
    refused(path)
    assert not witness.exists()


def test_what_would_take_all_memory_is_refused(tmp_path):
    torch.save(Buffer(), tmp_path / "a.pt")
    refused(tmp_path / "a.pt")
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "b.pt")
    packed = tmp_path / "c.pt"
    with zipfile.ZipFile(tmp_path / "b.pt") as plain, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in plain.infolist():
            archive.writestr(entry.filename, plain.read(entry))
    assert packed.stat().st_size < 1 << 16
    assert "it is compressed, which torch's own files are not" in refused(packed)


def test_broken_files_are_refused(tmp_path):
    torch.save({"a": torch.arange(300.0)}, tmp_path / "a.pt")
    whole, path = (tmp_path / "a.pt").read_bytes(), tmp_path / "b.pt"
    contents = [whole[:length] for length in (0, 1, 10, 100, len(whole) // 2, len(whole) - 1)]
    middle = whole.index(torch.arange(300.0).numpy().tobytes()) + 600
    contents += [whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]]  # one bit of a weight
    contents += [b"<html>not found</html>", b"\x80\x02}q\x00.", b"\x80\x04" + b"(" * 5000, bytes(5000)]
    for content in contents:
        path.write_bytes(content)
        refused(path)
    assert "no such file" in refused(tmp_path / "none.pt")
    assert "cannot be read" in refused(tmp_path)
