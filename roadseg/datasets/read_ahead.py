"""Read items in threads while the network works on others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(read: Callable[[int], T], indices: Iterable[int], ahead: int, *, threads: int = 0) -> Iterator[T]:
    """Yield `read(index)` for each index, in order. Leaving the loop early waits only for reads in progress.

    Args:
        read: called by threads.
        indices: arguments for `read`.
        ahead: number of items read or waiting beyond the current one.
        threads: number of simultaneous reads; 0 for as many as `ahead`.

    Yields:
        Results of `read`, in the order of `indices`.
    """
    with ThreadPoolExecutor(threads or ahead) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for index in indices:
                waiting.append(pool.submit(read, index))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
