import threading

import pytest

from roadseg.datasets.read_ahead import read_ahead


def test_the_order_is_kept_and_no_more_is_read_than_was_asked_for():
    begun = []

    def read(index):
        begun.append(index)
        return index * index

    reading = read_ahead(read, range(100), 3)
    assert next(reading) == 0
    reading.close()
    assert len(begun) <= 4
    assert list(read_ahead(read, range(7), 3)) == [index * index for index in range(7)]
    assert list(read_ahead(read, [], 3)) == []


def test_several_are_read_at_once():
    meeting = threading.Barrier(3)
    assert list(read_ahead(lambda index: meeting.wait(10) * 0 + index, range(3), 3)) == [0, 1, 2]


def test_an_error_comes_in_its_place():
    reading = read_ahead(lambda index: 1 // (index - 2), range(5), 2)
    assert [next(reading), next(reading)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(reading)
