"""Threaded pipeline of iterators: every stage in its own thread, with bounded queues between stages.

    with Pipeline("decode", reader).then("segment", segment).then("encode", encode) as done:
        for item in done:
            ...

A stage is a function from an iterator to an iterator, usually a generator, so that it may batch, split or filter.
Threads are enough because decoding, encoding, OpenCV and torch all leave the interpreter lock while they work.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")
Stage = Callable[[Iterator[T]], Iterator[U]]

POLL_SECONDS = 0.05
"""Time until a thread that waits on a full or empty queue notices that the pipeline was stopped."""
_END = object()


def concurrently(work: Callable[[T], U], count: int) -> Stage[T, U]:
    """Return a stage that works on `count` items at once in threads, and yields the results in order."""

    def stage(items: Iterator[T]) -> Iterator[U]:
        with ThreadPoolExecutor(count, "roadseg-work") as threads:
            begun: deque[Future[U]] = deque()
            for item in items:
                begun.append(threads.submit(work, item))
                if len(begun) == count:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()

    return stage


class _StoppedError(BaseException):
    """Ends a stage from inside its queue; not an `Exception`, so that a stage's own `except` lets it pass."""


@dataclass
class Timing:
    """Work of one stage, without the time it waited for its neighbours."""

    busy_seconds: float = 0.0
    """Wall time spent in the stage's own code, which grows where threads share too few processors; of one that works on
    several items at once, the time in which neither it waited for the stage before nor an item was being handed on."""
    items: int = 0
    """Number of items that the stage yielded."""


class _Channel:
    """A bounded queue; both of its ends give up once `stop` is set."""

    def __init__(self, depth: int, stop: threading.Event) -> None:
        self.waited_seconds = 0.0
        self._queue: Queue[Any] = Queue(depth)
        self._stop = stop

    def put(self, item: object) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=POLL_SECONDS)
            except Full:
                continue
        raise _StoppedError

    def _get(self) -> Any:
        while not self._stop.is_set():
            try:
                return self._queue.get(timeout=POLL_SECONDS)
            except Empty:
                continue
        raise _StoppedError

    def __iter__(self) -> Iterator[Any]:
        while True:
            started = time.perf_counter()
            item = self._get()
            self.waited_seconds += time.perf_counter() - started
            if item is _END:
                return
            yield item


class Pipeline(Generic[T]):
    """A source and its stages. Threads start on entering the context and have all ended when it is left.

    An exception in the source or a stage stops the others and is raised in the caller, the first if there are several.
    Leaving early, by `break`, an exception or Ctrl-C, stops the stages where they are.

    Args:
        name: what the source is called in `timings`.
        source: iterated in its own thread, from the beginning of the context.
        depth: number of items that a queue holds; besides these every stage holds one.
    """

    def __init__(self, name: str, source: Iterable[T], *, depth: int = 2) -> None:
        self.timings: dict[str, Timing] = {}
        """Timings by stage name, in order; final once the context is left."""
        self._depth = depth
        self._stop = threading.Event()
        self._stop.set()  # until the context is entered: iterating outside of it must fail, not block forever
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._tail = _Channel(depth, self._stop)  # empty and never read: a source has no input
        self._append(name, lambda _: iter(source))

    def then(self, name: str, stage: Stage[T, U]) -> "Pipeline[U]":
        """Append a stage; `name` must be a new one."""
        if name in self.timings:
            raise ValueError(f"there is a stage {name!r} already")
        self._append(name, stage)
        return cast("Pipeline[U]", self)

    def _append(self, name: str, stage: Stage[Any, Any]) -> None:
        timing = self.timings[name] = Timing()
        inbox, self._tail = self._tail, _Channel(self._depth, self._stop)
        thread = threading.Thread(target=self._work, args=(stage, inbox, self._tail, timing), name=f"roadseg-{name}")
        self._threads.append(thread)

    def _work(self, stage: Stage[Any, Any], inbox: _Channel, outbox: _Channel, timing: Timing) -> None:
        items: Iterator[Any] = iter(())
        try:
            items = stage(iter(inbox))
            for item in _timed(items, inbox, timing):
                outbox.put(item)
        except _StoppedError:
            pass
        except BaseException as error:
            self._fail(error)
        finally:
            self._end(items, outbox)

    def _end(self, items: Iterator[Any], outbox: _Channel) -> None:
        """Let the stage clean up in its own thread, then signal the end to the next one."""
        try:
            if hasattr(items, "close"):
                items.close()
            outbox.put(_END)
        except _StoppedError:
            pass
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._error = self._error or error
        self._stop.set()

    def __enter__(self) -> "Pipeline[T]":
        self._stop.clear()
        try:
            for thread in self._threads:
                thread.start()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._tail
        except _StoppedError:
            if self._error is None:
                raise RuntimeError("iterate over a pipeline inside its `with` block") from None
        if self._error is not None:
            raise self._error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        interrupt = None
        for thread in self._threads:
            while thread.is_alive():
                try:
                    thread.join()
                except KeyboardInterrupt as again:  # a second Ctrl-C must not free what threads still use
                    interrupt = again
        if error is None and (interrupt or self._error):
            raise interrupt or cast(BaseException, self._error)


def _timed(items: Iterator[T], inbox: _Channel, timing: Timing) -> Iterator[T]:
    """Pass `items` on, adding to `timing` how long each took, less the wait for `inbox` within."""
    while True:
        started, waited = time.perf_counter(), inbox.waited_seconds
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            timing.busy_seconds += time.perf_counter() - started - (inbox.waited_seconds - waited)
        timing.items += 1
        yield item
