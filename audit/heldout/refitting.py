"""How a network is refitted for every split; imports no numerical library, so that the command line starts quickly."""

from dataclasses import dataclass

EPOCHS = 8
"""A network that trains for long memorises wrong labels, and then agrees with similar wrong ones."""


@dataclass(frozen=True)
class Refitting:
    """How the network is refitted.

    Attributes
    ----------
    backbone, weights, views : str
        What every fold starts from and what it sees; the weights must have seen none of the labels.
    epochs : int
    seed : int
    device : str
        ``cpu`` or ``cuda``.
    processes : int
        Folds trained at the same time; on a machine with several GPUs each process uses one.
    """

    backbone: str
    weights: str
    views: str
    epochs: int = EPOCHS
    seed: int = 0
    device: str = "cpu"
    processes: int = 1
