"""Ctrl-C and SIGTERM as stop requests that a loop handles between steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roadseg.runtime import Runtime


@contextmanager
def stop_requests(runtime: Runtime) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether any process of the runtime got Ctrl-C or SIGTERM.

    A step that is cut in the middle would leave weights and optimizer state of different steps. A second request
    interrupts at once, except with several processes, where torchrun repeats its signal.
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
