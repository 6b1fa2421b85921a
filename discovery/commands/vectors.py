"""The vectors that a command needs: existing ones, or new ones."""

from argparse import Namespace

from discovery.commands.console import Terminal
from embed.study.study import Study
from embed.vectors.embedding import embed
from embed.vectors.options import EmbeddingOptions
from embed.vectors.store import VectorStore


def make_vectors(study: Study, options: Namespace, terminal: Terminal, *, retry: bool = False) -> VectorStore:
    """Return the vectors that the options name; missing ones are made."""
    with terminal.progress("embed") as progress:
        return embed(study, embedding_options(options), retry=retry, progress=progress)


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
