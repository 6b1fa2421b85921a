"""Which device the work is done on."""

import torch

from embed.errors import DeviceError, InputError
from embed.network.names import DEVICES


def choose_device(name: str = "auto") -> torch.device:
    """Turn ``auto``, ``cpu`` or ``cuda`` into a device; ``auto`` takes CUDA when it is there.

    Raises
    ------
    DeviceError
        When `name` is ``cuda`` and there is no CUDA device.
    InputError
        When `name` is none of the three.
    """
    if name not in DEVICES:
        raise InputError(f"no device {name!r}; give {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "no CUDA device is available; use --device cpu, or install torch with CUDA and check nvidia-smi"
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
