"""Ctrl-C and SIGTERM as stop requests that a loop handles between steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from roadseg.runtime import Runtime


class StopRequests:
    """Record of Ctrl-C and SIGTERM, in this process and in those that share its work."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.came_here = False
        """True once this process got one."""
        self.is_terminated = False
        """True once this process got SIGTERM."""

    def came(self) -> bool:
        """Return whether any process of the runtime got one; all have to call it together."""
        return self._runtime.any(self.came_here)


@contextmanager
def stop_requests(runtime: Runtime) -> Iterator[StopRequests]:
    """Take Ctrl-C and SIGTERM as requests inside the block.

    A step that is cut in the middle would leave weights and optimizer state of different steps. A second request
    interrupts at once, except with several processes, where torchrun repeats its signal. Where `KeyboardInterrupt`
    leaves the block after SIGTERM, the handler of before gets that signal: the program's exit code depends on it.
    """
    requests = StopRequests(runtime)
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return

    def request(number: int, frame: object) -> None:
        if requests.came_here and runtime.processes == 1:
            raise KeyboardInterrupt
        requests.came_here = True
        requests.is_terminated |= number == signal.SIGTERM

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requests
    except KeyboardInterrupt:
        if requests.is_terminated and callable(handler := before[signal.SIGTERM]):
            handler(signal.SIGTERM, None)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
