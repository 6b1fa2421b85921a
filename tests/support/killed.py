"""A generator's training that is killed at a stated step, in one of five ways; run in a process of its own."""

import os
import re
import resource
import signal
import sys
import threading

KINDS = ("step", "later", "torn", "unnamed", "crowded")
"""Right after a step; some tenths of a second after it; amid the bytes of the next checkpoint; when these are written and have no name
yet; when they have, before the earlier checkpoint is removed."""
_CHECKPOINT = re.compile(r"step-\d{8}\.safetensors")
OPTIONS = {"name": "g", "resolution": 32, "images": 1600, "batch": 16, "channels": 32, "device": "cpu"}


def main():
    """Train: folder of the study, kind, step, share of what follows it."""
    folder, kind, step, share = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    import torch

    from embed import Study
    from embed.generator.options import GeneratorOptions
    from embed.generator.trainer import train_generator

    torch.set_num_threads(1)
    with Study(folder) as study:
        train_generator(study, GeneratorOptions(**OPTIONS), progress=lambda done, _: done == step and _arm(kind, share))


def _arm(kind, share):
    """Kill now, or let what follows do it."""
    if kind == "step":
        _strike()
    elif kind == "later":
        threading.Timer(0.5 * share, _strike).start()
    elif kind == "torn":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system ends the process at this byte
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000 + int(200_000 * share),) * 2)
    elif kind == "unnamed":
        sys.addaudithook(lambda event, given: event == "os.rename" and _is_checkpoint(given[1]) and _strike())
    else:
        sys.addaudithook(lambda event, given: event == "os.remove" and _is_checkpoint(given[0]) and _strike())


def _is_checkpoint(path):
    return _CHECKPOINT.fullmatch(os.path.basename(path)) is not None  # noqa: PTH119 - a name from the system


def _strike():
    os.kill(os.getpid(), signal.SIGKILL)
