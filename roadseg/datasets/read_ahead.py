"""Pictures read by threads while the network works on others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(read: Callable[[int], T], indices: Iterable[int], ahead: int, *, threads: int = 0) -> Iterator[T]:
    """What `read` gives for each index, in order; a loop that is left waits for no more than what is being read.

    Args:
        read: called by threads.
        indices: of what is to be read.
        ahead: how many are read, or wait to be taken, beyond the one at hand.
        threads: how many read at once; 0 for as many as are read ahead.
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
