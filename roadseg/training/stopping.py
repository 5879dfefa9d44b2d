"""Ctrl-C and SIGTERM as requests that a loop answers when it suits."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roadseg.runtime import Runtime


@contextmanager
def stop_requests(runtime: Runtime) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C or SIGTERM came to any process of the runtime.

    A step that is cut in the middle would leave weights and optimizer state that belong to different steps. A second
    request interrupts at once, but not one of several processes: there it would be torchrun that repeats itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: runtime.any(False)
        return
    requested = False

    def request(number: int, frame: object) -> None:
        nonlocal requested
        if requested and runtime.processes == 1:
            raise KeyboardInterrupt
        requested = True

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: runtime.any(requested)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
