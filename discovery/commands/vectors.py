"""The vectors that a command needs: found, or made."""

from argparse import Namespace

from discovery.commands.console import Terminal
from embed.study.study import Study
from embed.vectors.embedding import embed
from embed.vectors.options import EmbeddingOptions
from embed.vectors.store import VectorStore


def make_vectors(study: Study, options: Namespace, terminal: Terminal, *, retry: bool = False) -> VectorStore:
    """Return the vectors that the options ask for; they are made when they are not there."""
    settings = EmbeddingOptions(
        options.backbone,
        options.weights,
        options.views,
        options.device,
        options.runtime,
        options.seed,
        not options.no_cache,
    )
    with terminal.progress("embed") as progress:
        return embed(study, settings, retry=retry, progress=progress)


def graph_in_words(store: VectorStore) -> str:
    """Say how many neighbours the graph has and how true they are."""
    return f"{store.passport['k']} neighbours, " + (
        "exact" if store.passport["exact"] else f"recall {store.passport['recall']:.4f}"
    )
