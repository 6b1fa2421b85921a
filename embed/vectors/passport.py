"""The passport of a vector store: everything that its vectors depend on besides the pictures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from embed.network.names import STRAIN_VECTORS
from embed.storage import digest
from embed.views.encoding import NO_VIEWS

GIVEN = "given"
"""The ``backbone`` of vectors that were made elsewhere."""


@dataclass(frozen=True)
class Passport:
    """Everything that a vector depends on besides the glitch's own picture.

    Attributes
    ----------
    backbone, architecture, weights, weights_sha256 : str
        The network and its weights.
    views : str
        The encoding, such as ``1.0,2.0,4.0``.
    views_version : int
        Version of the decoding.
    size : int
        Side of the network's input, pixels.
    mean, std : tuple of float
        Normalisation.
    runtime, device : str
        What ran the network, with its version and precision.
    versions : dict
        Versions of the libraries that touch the numbers.
    trained_on : str
        Of a model that was trained on a study's labels: which (see `embed.network.model.Model`); empty for weights that saw none, whose
        passport leaves it out.
    """

    backbone: str
    architecture: str
    weights: str
    weights_sha256: str
    views: str
    views_version: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    runtime: str
    device: str
    versions: dict[str, str]
    trained_on: str = ""

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The passport as JSON values."""
        return {key: value for key, value in asdict(self).items() if key != "trained_on" or value}

    @cached_property
    def name(self) -> str:
        """The store's folder: backbone, weights, views and a hash of the whole passport."""
        weights = self.weights.replace(":", "-") if self.trained_on else Path(self.weights).stem
        return f"{self.backbone.replace(':', '-')}-{weights}-{self.views}-{digest(self.facts)[:10]}"


@dataclass(frozen=True)
class GivenPassport:
    """Where vectors come from that were made elsewhere.

    Attributes
    ----------
    weights : str
        ``vectors:NAME``.
    file, sha256 : str
        Name and hash of the file that held them.
    table, table_sha256 : str
        The same of the table of their ids.
    dtype : str
        Of the file's numbers.
    backbone, views : str
        ``given`` and ``none``: no network of this toolkit, no picture.
    """

    weights: str
    file: str
    sha256: str
    table: str
    table_sha256: str
    dtype: str
    backbone: str = GIVEN
    views: str = NO_VIEWS.name

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The passport as JSON values."""
        return asdict(self)


def describe_vectors(passport: Mapping[str, Any]) -> str:
    """Describe what made the vectors of a store.

    Parameters
    ----------
    passport : mapping
        Of a `embed.vectors.store.VectorStore`.
    """
    if passport["backbone"] == GIVEN:
        where = "from strain" if passport["weights"].startswith(STRAIN_VECTORS) else "made elsewhere"
        return f"vectors of {passport['file']} ({passport['weights']}), {where}"
    return f"views {passport['views']}, {passport['backbone']} ({passport['weights']})"


def describe_graph(passport: Mapping[str, Any]) -> str:
    """Describe the neighbour graph of a store: how many neighbours, and the share of the true ones that it found.

    Parameters
    ----------
    passport : mapping
        Of a `embed.vectors.store.VectorStore`, with ``k``, ``exact`` and ``recall``.
    """
    return f"{passport['k']} neighbours, " + ("exact" if passport["exact"] else f"recall {passport['recall']:.4f}")
