"""The vectors that a command needs: existing ones, or new ones."""

from argparse import Namespace

from discovery.commands.console import Terminal
from embed.fleet.spread import Spread, here
from embed.network.sources import detector_folder, is_strain
from embed.study.study import Study
from embed.vectors.options import EmbeddingOptions
from embed.vectors.standing import standing_vectors
from embed.vectors.store import VectorStore


def make_vectors(
    study: Study, options: Namespace, terminal: Terminal, *, retry: bool = False, spread: Spread = here
) -> VectorStore:
    """Return the vectors that the options name; missing ones are made."""
    if is_strain(options.backbone):
        return _strain_vectors(study, options, terminal)
    asked = embedding_options(options)
    with terminal.steps():  # "read": of very many pictures it takes a while to see that each has its vector
        standing = None if retry else standing_vectors(study, asked)
    if standing is not None:
        return standing
    from embed.vectors.embedding import embed  # noqa: PLC0415 - seconds that vectors which are there need not wait for

    with terminal.progress("embed") as progress:
        return embed(
            study,
            asked,
            retry=retry,
            step=lambda name: progress(0, 0, name),
            progress=progress,
            spread=spread,
        )


def embedding_options(options: Namespace) -> EmbeddingOptions:
    """Return the options on vectors of a command line."""
    return EmbeddingOptions(
        backbone=options.backbone,
        weights=options.weights,
        views=options.views,
        device=options.device,
        runtime=options.runtime,
        seed=options.seed,
        cache=not options.no_cache,
    )


def _strain_vectors(study: Study, options: Namespace, terminal: Terminal) -> VectorStore:
    """Vectors from strain, by a detector, whose folder follows ``strain:``."""
    from embed.detector.embedding import embed_strain  # noqa: PLC0415 - the detector's libraries, where one is named
    from embed.detector.model import load_detector  # noqa: PLC0415
    from embed.network.devices import choose_device  # noqa: PLC0415

    folder = detector_folder(options.backbone)
    detector = load_detector(folder, choose_device(options.device))
    with terminal.progress("embed") as progress:
        return embed_strain(
            study, detector, strain=getattr(options, "strain", ()), seed=options.seed, progress=progress
        )
