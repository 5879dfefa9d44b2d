import signal

import pytest
import torch

from roadseg.runtime import Runtime
from roadseg.training.stopping import stop_requests


@pytest.mark.parametrize(("number", "handled"), [(signal.SIGTERM, [signal.SIGTERM]), (signal.SIGINT, [])])
def test_the_handler_of_before_gets_sigterm_once_the_loop_has_stopped(number, handled):
    """So a training that SIGTERM stopped ends with exit code 143, as other commands do."""
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with pytest.raises(KeyboardInterrupt), stop_requests(Runtime(torch.device("cpu"), "float32")) as requests:
            signal.raise_signal(number)
            assert requests.came_here and came == []
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == handled


def test_the_program_can_ask_too():
    asked = []
    with stop_requests(Runtime(torch.device("cpu"), "float32"), lambda: bool(asked)) as requests:
        assert not requests.came()
        asked.append(True)
        assert requests.came() and requests.came_here and not requests.is_terminated
