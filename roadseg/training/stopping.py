"""Ctrl-C and SIGTERM as stop requests that a loop handles between steps."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roadseg.runtime import Runtime


class StopRequests:
    """Record of Ctrl-C, SIGTERM and what the program asks for, in this process and in those that share its work."""

    def __init__(self, runtime: Runtime, should_stop: Callable[[], bool]) -> None:
        self._runtime = runtime
        self._should_stop = should_stop
        self.is_signalled = False
        """True once this process got a signal."""
        self.is_terminated = False
        """True once this process got SIGTERM."""

    @property
    def came_here(self) -> bool:
        """True once this process got a request."""
        return self.is_signalled or self._should_stop()

    def came(self) -> bool:
        """Return whether any process of the runtime got one; all have to call it together."""
        return self._runtime.any(self.came_here)


@contextmanager
def stop_requests(runtime: Runtime, should_stop: Callable[[], bool] = lambda: False) -> Iterator[StopRequests]:
    """Take Ctrl-C, SIGTERM and a true `should_stop()` as requests inside the block.

    A step that is cut in the middle would leave weights and optimizer state of different steps. A second request
    interrupts at once, except with several processes, where torchrun repeats its signal. Where `KeyboardInterrupt`
    leaves the block after SIGTERM, the handler of before gets that signal: the program's exit code depends on it.
    Threads other than the main one get no signals.
    """
    requests = StopRequests(runtime, should_stop)
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return

    def request(number: int, frame: object) -> None:
        if requests.is_signalled and runtime.processes == 1:
            raise KeyboardInterrupt
        requests.is_signalled = True
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
