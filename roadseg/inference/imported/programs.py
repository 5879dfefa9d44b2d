"""Programs that run `network.onnx`: OpenVINO on CPUs, ONNX Runtime on CPUs and CUDA devices."""

from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import EngineError, InputError, first_line
from roadseg.inference.imported.canonical import IMAGES, RESULT
from roadseg.inference.imported.packages import needed
from roadseg.inference.openvino_requests import OpenVinoRequests
from roadseg.inference.openvino_runtime import INSTALL, compiled, openvino, openvino_version, read, streams

CUDA_PROVIDER, CPU_PROVIDER = "CUDAExecutionProvider", "CPUExecutionProvider"


class Program(Protocol):
    """A network that is ready to run; callable from several threads."""

    name: str
    """Program and device."""
    version: str
    concurrency: int
    """Recommended number of concurrent calls."""
    batch_size: int
    """Recommended number of images in a batch."""

    def run(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the `result` of the network for images (N, H, W, 3) uint8 RGB.

        Raises:
            InputError: the network cannot take images of this size or number.
        """
        ...


class OnnxRuntimeProgram:
    """ONNX Runtime, on the CPU or on a CUDA device."""

    concurrency = 1

    def __init__(self, file: Path, *, cuda: bool = False, batch_size: int = 1, as_defined: bool = False) -> None:
        """Load a network.

        Args:
            file: the ONNX file.
            cuda: True runs it on a CUDA device, False on the CPU.
            batch_size: recommended number of images in a batch.
            as_defined: True computes each operator by itself. Of a network in int8 that gives the results that ONNX
                defines, slowly; integer products may be less exact, see `roadseg.inference.onnx_int8`.

        Raises:
            InputError: ONNX Runtime is missing.
            EngineError: it cannot run the network, or has no CUDA device although one is asked for.
        """
        runtime = needed("onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # errors are raised as well
        options.intra_op_num_threads = streams()
        if as_defined:
            options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # decoders need the processors too
        if cuda and CUDA_PROVIDER not in runtime.get_available_providers():
            raise _no_cuda()
        providers = [CUDA_PROVIDER, CPU_PROVIDER] if cuda else [CPU_PROVIDER]
        try:
            self._session = runtime.InferenceSession(file, options, providers=providers)
        except Exception as error:  # ONNX Runtime has no base class of its errors
            raise EngineError(f"ONNX Runtime cannot run {file}: {first_line(error)}", REMEDY) from None
        # Without its libraries ONNX Runtime lists CUDA, and then runs on the CPU.
        if cuda and self._session.get_providers()[0] != CUDA_PROVIDER:
            raise _no_cuda()
        self.name = "onnxruntime cuda" if cuda else "onnxruntime"
        self.version = str(runtime.__version__)
        self.batch_size = batch_size
        self._file = file

    def run(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """See `Program.run`."""
        return self.outputs(images, [RESULT])[RESULT]

    def outputs(self, images: NDArray[np.uint8], names: list[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return outputs by name, by default all of them.

        Raises:
            InputError: the network cannot take images of this size or number.
        """
        names = names or [output.name for output in self._session.get_outputs()]
        try:
            values = self._session.run(names, {IMAGES: images})
        except Exception as error:  # as above
            raise _wrong_size(self._file, images, error) from None
        return dict(zip(names, values, strict=True))


class OpenVinoProgram:
    """OpenVINO on the CPU, in the precision of the file, at most float32."""

    name = "openvino"
    concurrency = 2
    """While one batch ends, images of the next one take the processors that fall idle."""

    def __init__(self, file: Path) -> None:
        """Load a network.

        Raises:
            InputError: OpenVINO is missing.
            EngineError: it cannot run the network.
        """
        if openvino() is None:
            raise InputError("engine 'openvino' is not installed", INSTALL)
        try:
            self._model = read(file)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot run {file}: {first_line(error)}", REMEDY) from None
        self.version = openvino_version()
        self.batch_size = streams()
        self._file = file
        self._requests: dict[tuple[int, ...], OpenVinoRequests] = {}
        self._lock = Lock()

    def run(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """See `Program.run`."""
        shape = (1, *images.shape[1:])
        try:
            with self._lock:
                if shape not in self._requests:
                    self._requests[shape] = OpenVinoRequests([compiled(self._model.clone(), shape, "f32")])
            return self._requests[shape].run(images)
        except RuntimeError as error:
            raise _wrong_size(self._file, images, error) from None


REMEDY = "Try another --engine: openvino, onnxruntime."


def _no_cuda() -> EngineError:
    return EngineError("ONNX Runtime finds no CUDA device", "Install onnxruntime-gpu, or use --device cpu.")


def _wrong_size(file: Path, images: NDArray[np.uint8], error: Exception) -> InputError:
    count, height, width = images.shape[:3]
    return InputError(
        f"{file}: fails for {count} images of {width}x{height}: {first_line(error)}",
        "Give the size that it was made for, --input-size WxH, and leave --scales out.",
    )
