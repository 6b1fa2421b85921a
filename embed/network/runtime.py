"""One interface for running a network: torch (CPU, CUDA), or ONNX Runtime on CPUs, several times faster there.

Both give a glitch the same vector in any batch, so a vector is a function of the glitch's picture alone and a run that is
stopped, resumed or extended ends with the same bytes.
"""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch

from embed.errors import InputError
from embed.network.blend import Blended
from embed.network.names import RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from embed.network.network import Network

BATCH = 32
"""Pictures a batch; every batch is filled up to it, since kernels are chosen by the batch's size."""

CUDA_BATCH = 256

IN_FLIGHT = 3
"""Batches that a GPU is given before the first of them is done: it is never idle, and their memory is bounded."""

WARM_UP = 3
"""Runs of a network before its kernels are recorded: the first ones choose and load them."""


class Runtime(Protocol):
    """Runs a network on batches.

    Attributes
    ----------
    kind : {"torch", "onnx"}
    name : str
        The library with its version and precision.
    device : torch.device
    batch : int
        Pictures a batch.
    """

    kind: str
    name: str
    device: torch.device
    batch: int

    def __call__(self, pictures: torch.Tensor) -> np.ndarray:
        """Tensor of float32, shape (batch, 3, size, size) -> ndarray of float32, shape (batch, dimension)."""

    def start(self, pictures: torch.Tensor) -> torch.Tensor:
        """Give the same as a tensor on the device, which may still be computing it."""

    def close(self) -> None:
        """Give the working memory back: the index that is built next needs some."""


def make_runtime(network: Network, device: torch.device, name: str = "auto") -> Runtime:
    """Choose how a network runs.

    Parameters
    ----------
    network : Network
        The truncated network.
    device : torch.device
        Where.
    name : str
        ``torch``, ``onnx``, or ``auto``: ONNX Runtime on a CPU where it is installed, else torch. The vectors' passport says which.

    Raises
    ------
    InputError
        When the runtime is unknown, not installed, or not for this device.
    """
    installed = all(importlib.util.find_spec(package) for package in ("onnx", "onnxruntime"))
    if name not in RUNTIMES:
        raise InputError(f"no runtime {name!r}; give {', '.join(RUNTIMES[:-1])} or {RUNTIMES[-1]}")
    if name == "onnx" and (device.type != "cpu" or not installed):
        raise InputError(
            "the runtime onnx needs --device cpu"
            if installed
            else "the runtime onnx is not installed; pip install 'glitch-discovery[runtime]'"
        )
    if name == "onnx" or (name == "auto" and installed and device.type == "cpu"):
        return OnnxRuntime(network)
    return TorchRuntime(network, device)


class TorchRuntime:
    """Plain torch: float32 on a CPU, bfloat16 and channels-last on CUDA."""

    def __init__(self, network: Network, device: torch.device) -> None:
        cuda = device.type == "cuda"
        self.kind = "torch"
        self.device = device
        self.batch = CUDA_BATCH if cuda else BATCH
        self.name = f"torch {torch.__version__} {'bfloat16' if cuda else 'float32'}"
        self._type = torch.bfloat16 if cuda else torch.float32
        module = network.module.to(device=device, dtype=self._type).to(memory_format=torch.channels_last)
        for layer in module.modules():
            if isinstance(layer, Blended):
                layer.blend.float()  # short axes are lengthened: bfloat16 would fill them with its own rounding
        self._module = module.eval()
        self._running: deque[torch.cuda.Event] = deque()
        self._shape: torch.Size | None = None
        self._recorded: Recorded | None = None

    def __call__(self, pictures: torch.Tensor) -> np.ndarray:
        """Run one batch; see `Runtime`."""
        return self.start(pictures).cpu().numpy()

    def start(self, pictures: torch.Tensor) -> torch.Tensor:
        """Run one batch without waiting for it; see `Runtime`."""
        if len(self._running) == IN_FLIGHT:
            self._running.popleft().synchronize()
        with torch.inference_mode():
            batch = pictures.to(
                device=self.device, dtype=self._type, memory_format=torch.channels_last, non_blocking=True
            )
            if self.device.type != "cuda":
                return self._module(batch).float()
            if self._recorded is None and batch.shape == self._shape:  # the second of this shape: there will be more
                self._recorded = Recorded(self._module, batch)
            self._shape = batch.shape
            recorded = self._recorded if self._recorded is not None and self._recorded.shape == batch.shape else None
            vectors = self._module(batch).float() if recorded is None else recorded(batch)
        self._running.append(torch.cuda.Event())
        self._running[-1].record(torch.cuda.current_stream(self.device))
        return vectors

    def close(self) -> None:
        """Give the working memory back."""
        self._running.clear()
        self._shape = self._recorded = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


class Recorded:
    """A network's kernels for one shape of batch, recorded once and started as one (a CUDA graph).

    Started one by one, a few hundred kernels a batch, they would wait for Python, whose lock the threads that decode want too.

    Parameters
    ----------
    module : callable
        The network, on a GPU.
    batch : tensor
        Of that shape and type.
    """

    def __init__(self, module: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor) -> None:
        self.shape = batch.shape
        self._input = batch.clone()
        stream = torch.cuda.Stream(batch.device)
        stream.wait_stream(torch.cuda.current_stream(batch.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                module(self._input)
        torch.cuda.current_stream(batch.device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._output = module(self._input).float()

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """Run the network on a batch of the shape; returns at once."""
        self._input.copy_(batch)
        self._graph.replay()
        return self._output.clone()


class OnnxRuntime:
    """ONNX Runtime on the CPU, float32; the network is converted at the first batch, and a copy in another process takes the converted one."""

    def __init__(self, network: Network) -> None:
        import onnxruntime  # noqa: PLC0415 - an extra, imported where it is used

        self.kind = "onnx"
        self.device = torch.device("cpu")
        self.batch = BATCH
        self.name = f"onnxruntime {onnxruntime.__version__} float32"
        self._network: Network | None = network

    def __getstate__(self) -> dict[str, Any]:
        held = {name: value for name, value in self.__dict__.items() if name != "_session"}
        return held | {"_network": None, "_graph": self._graph}

    def __call__(self, pictures: torch.Tensor) -> np.ndarray:
        """Run one batch; see `Runtime`."""
        return self._session.run(None, {"pictures": pictures.numpy()})[0]

    def start(self, pictures: torch.Tensor) -> torch.Tensor:
        """Run one batch; see `Runtime`."""
        return torch.from_numpy(self(pictures))

    def close(self) -> None:
        """Give the working memory back; the next batch would load the network again."""
        self.__dict__.pop("_session", None)

    @cached_property
    def _graph(self) -> bytes:
        """The converted network."""
        assert self._network is not None, "a copy takes the converted network along"
        size = self._network.backbone.size
        graph = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter announces its successor, which needs one more package
            torch.onnx.export(
                self._network.module,
                (torch.zeros(1, 3, size, size),),
                graph,  # type: ignore[arg-type] # a file object serves as well
                input_names=["pictures"],
                output_names=["vectors"],
                dynamic_axes={"pictures": {0: "batch"}, "vectors": {0: "batch"}},
                dynamo=False,
            )
        return graph.getvalue()

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - onnxruntime.InferenceSession
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the decoding threads need the cores
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])
