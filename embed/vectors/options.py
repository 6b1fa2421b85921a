"""Options of an embedding and their defaults; nothing heavy is imported, so that a command line can read them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EmbeddingOptions:
    """Options of an embedding; None takes the latest store's choice, or else the default.

    Attributes
    ----------
    backbone : str or None
        See `embed.network.backbones.find_backbone`.
    weights : str or None
        ``glitch``, ``bundled``, ``imagenet``, a file, ``model:NAME``: a trained model of the study, with its own backbone and views; or ``vectors:NAME``:
        vectors that were made elsewhere.
    views : str or None
        See `embed.views.encoding.parse_encoding`; by default the richest encoding that every glitch has.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    runtime : str
        ``auto``, ``torch`` or ``onnx``.
    seed : int
        Of an approximate index; an exact one does not depend on it.
    cache : bool
        Keep decoded views for a second network.
    """

    backbone: str | None = None
    weights: str | None = None
    views: str | None = None
    device: str = "auto"
    runtime: str = "auto"
    seed: int = 0
    cache: bool = True

    @property
    def asks_for_nothing(self) -> bool:
        """Whether the study's latest vectors can be used, no matter on which device they were made."""
        return (self.backbone, self.weights, self.views, self.device, self.runtime) == (
            None,
            None,
            None,
            "auto",
            "auto",
        )
