import _thread
import threading
import time
from itertools import count

import pytest

from roadseg.video.pipeline import Pipeline, concurrently

pytestmark = pytest.mark.timeout(30)
COUNT = 20


class BoomError(Exception):
    pass


@pytest.fixture(autouse=True)
def no_thread_survives():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("roadseg-")]


def numbers(count=COUNT):
    yield from range(count)


def endless(given, closed):
    """Source without an end. `given` gets each number before it is given, `closed` is set when the source is closed."""
    try:
        for number in count():
            given.append(number)
            yield number
    finally:
        closed.set()


def stage(items):
    for item in items:
        yield item + 100


def failing_stage(fail_at):
    def stage(items):
        for position, item in enumerate(items):
            if position == fail_at:
                raise BoomError(position)
            yield item

    return stage


def test_items_pass_every_stage_in_order():
    with Pipeline("count", numbers()).then("a", stage).then("b", stage) as items:
        assert list(items) == [n + 200 for n in range(COUNT)]


def test_a_stage_may_batch_and_flush_what_is_left():
    def pairs(items):
        held = []
        for item in items:
            held.append(item)
            if len(held) == 2:
                yield tuple(held)
                held = []
        if held:
            yield tuple(held)

    with Pipeline("count", range(5)).then("pairs", pairs) as batches:
        assert list(batches) == [(0, 1), (2, 3), (4,)]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_items_are_worked_on_at_the_same_time_and_stay_in_order(workers):
    together = threading.Barrier(workers)
    most, at_work, lock = 0, 0, threading.Lock()

    def work(item):
        nonlocal most, at_work
        with lock:
            at_work += 1
            most = max(most, at_work)
        together.wait(timeout=10)  # raises if fewer are at work
        time.sleep(0.002 * (item % workers))
        with lock:
            at_work -= 1
        return item + 100

    with Pipeline("count", numbers()).then("work", concurrently(work, workers)) as items:
        assert list(items) == [n + 100 for n in range(COUNT)]
    assert most == workers


@pytest.mark.parametrize("fail_at", [0, COUNT // 2, COUNT - 1])
def test_an_error_in_one_of_many_workers_reaches_the_caller_after_what_came_before(fail_at):
    def work(item):
        if item == fail_at:
            raise BoomError(item)
        return item

    seen = []
    with pytest.raises(BoomError), Pipeline("count", numbers()).then("work", concurrently(work, 3)) as items:
        for item in items:
            seen.append(item)
    assert seen == list(range(len(seen))) and len(seen) <= fail_at


def test_an_empty_source_gives_nothing():
    with Pipeline("count", ()).then("a", stage) as items:
        assert list(items) == []


@pytest.mark.parametrize("where", ["count", "first", "second", "last"])
@pytest.mark.parametrize("fail_at", [0, COUNT // 2, COUNT - 1])
def test_an_error_in_any_stage_at_any_item_reaches_the_caller(where, fail_at):
    source = failing_stage(fail_at)(numbers()) if where == "count" else numbers()
    pipeline = Pipeline("count", source, depth=1)
    for name in ("first", "second", "last"):
        pipeline = pipeline.then(name, failing_stage(fail_at) if name == where else stage)
    with pytest.raises(BoomError, match=str(fail_at)), pipeline as items:
        for _ in items:
            pass


@pytest.mark.parametrize("fail_at", [0, COUNT // 2, COUNT - 1])
def test_an_error_in_the_caller_stops_all_stages(fail_at):
    with pytest.raises(BoomError), Pipeline("count", numbers(), depth=1).then("a", stage) as items:
        for position, _ in enumerate(items):
            if position == fail_at:
                raise BoomError


def test_a_stage_that_fails_before_its_first_item_reaches_the_caller():
    def not_a_generator(items):
        raise BoomError

    with pytest.raises(BoomError), Pipeline("count", numbers()).then("a", not_a_generator) as items:
        next(iter(items))


def test_the_first_of_several_errors_is_raised():
    second_may_fail = threading.Event()

    def early(items):
        next(items)
        try:
            raise BoomError("early")
            yield
        finally:
            second_may_fail.set()

    def late():
        yield 0
        assert second_may_fail.wait(10)
        time.sleep(0.2)
        raise BoomError("late")

    with pytest.raises(BoomError, match="early"), Pipeline("late", late()).then("early", early) as items:
        list(items)


def test_leaving_early_stops_an_endless_source_and_lets_stages_clean_up():
    cleaned_up_in = []

    def source():
        try:
            while True:
                yield 1
        finally:
            cleaned_up_in.append(threading.current_thread().name)

    with Pipeline("endless", source(), depth=1).then("a", stage) as items:
        for _ in items:
            break
    assert cleaned_up_in == ["roadseg-endless"]


def test_leaving_without_asking_for_an_item():
    given, closed = [], threading.Event()
    with Pipeline("endless", endless(given, closed), depth=1).then("a", stage):
        pass
    assert closed.is_set() and len(given) <= 1 + 2 * (1 + 1)


def test_a_stage_that_ends_before_its_input_does():
    def two(items):
        yield next(items)
        yield next(items)

    given, closed = [], threading.Event()
    with Pipeline("endless", endless(given, closed), depth=1).then("a", stage).then("two", two) as items:
        assert list(items) == [100, 101]
    assert closed.is_set() and len(given) <= 2 + 1 + 2 * (1 + 1)


def test_an_error_while_cleaning_up_is_not_lost():
    def source():
        try:
            while True:
                yield 1
        finally:
            raise BoomError("closing")

    with pytest.raises(BoomError, match="closing"), Pipeline("source", source(), depth=1) as items:
        for _ in items:
            break


def test_a_stage_that_swallows_exceptions_stops_all_the_same():
    left = threading.Event()

    def stubborn(items):
        try:
            while True:
                try:
                    yield next(items)
                except Exception:
                    continue
        finally:
            left.set()

    given, closed = [], threading.Event()
    with Pipeline("endless", endless(given, closed), depth=1).then("stubborn", stubborn) as items:
        assert next(iter(items)) == 0
    assert left.is_set() and closed.is_set()


def test_ctrl_c_in_the_caller_stops_all_stages():
    def slow():
        while True:
            time.sleep(0.01)
            yield 1

    with pytest.raises(KeyboardInterrupt), Pipeline("slow", slow()).then("a", stage) as items:
        for position, _ in enumerate(items):
            if position == 3:
                _thread.interrupt_main()


def test_a_second_ctrl_c_while_threads_are_joined_leaves_none_behind():
    joining = threading.Event()

    def slow():
        try:
            while True:
                yield 1
        finally:
            assert joining.wait(10)
            time.sleep(0.1)
            _thread.interrupt_main()
            time.sleep(0.3)

    with pytest.raises(KeyboardInterrupt), Pipeline("slow", slow(), depth=1) as items:
        assert next(iter(items)) == 1
        joining.set()


def test_queues_are_bounded():
    given = []

    def source():
        for number in range(1000):
            given.append(number)
            yield number

    with Pipeline("source", source(), depth=2).then("a", stage) as items:
        next(iter(items))
        time.sleep(0.3)
        assert len(given) <= 1 + 2 * (2 + 1)  # one taken; two in each queue and one in each hand


def test_timings_leave_out_the_wait_for_neighbours():
    def slow():
        for number in range(10):
            time.sleep(0.03)
            yield number

    with Pipeline("slow", slow()).then("fast", stage) as items:
        list(items)
    timings = items.timings
    assert list(timings) == ["slow", "fast"]
    assert [timing.items for timing in timings.values()] == [10, 10]
    assert timings["slow"].busy_seconds >= 0.3
    assert timings["fast"].busy_seconds < timings["slow"].busy_seconds / 2


def test_iterating_outside_the_context_fails_instead_of_waiting():
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        list(Pipeline("count", numbers()))


def test_stage_names_are_unique():
    with pytest.raises(ValueError, match="'a'"):
        Pipeline("a", numbers()).then("a", stage)
