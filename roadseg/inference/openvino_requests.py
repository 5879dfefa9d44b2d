"""Images through compiled OpenVINO models, each image on a processor of its own.

Threads that share an image wait for each other, on a busy machine even more. So the result for an image does not depend
on its batch.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.inference.openvino_runtime import streams


class OpenVinoRequests:
    """Compiled models in a row, each of which takes the result of the one before; callable from several threads.

    Args:
        models: compiled for one image, of one input and one output.
    """

    def __init__(self, models: Sequence[Any]) -> None:
        self._idle: SimpleQueue[list[Any]] = SimpleQueue()
        for _ in range(streams()):
            self._idle.put([model.create_infer_request() for model in models])

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return the results for images (N, ...), joined along their first axis."""
        return np.concatenate(list(_workers().map(self._run, np.split(images, len(images)))))

    def _run(self, image: NDArray[Any]) -> NDArray[Any]:
        requests = self._idle.get()
        try:
            given: Any = image
            for request in requests:
                request.infer([given], share_inputs=True, share_outputs=True)
                given = request.get_output_tensor()
            return np.array(given.data)
        finally:
            self._idle.put(requests)


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(streams(), "openvino")
