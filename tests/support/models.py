"""Models of a tiny frozen network with a fitted final layer."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from embed import EmbeddingOptions, embed
from embed.network.model import save_model
from embed.network.network import load_network
from embed.network.sources import model_folder
from embed.vectors.blocks import Embedder

LABELS = ("Blip", "Power_Line", "Whistle")
PARTS = ("train", "train", "train", "validation", "test", "test")


def make_model(study, tiny, name, *, parts, seed=0, classes=LABELS, before=None):
    """Fit a final layer on the training part's vectors, a few iterations only, so that it makes mistakes."""
    store = embed(study, EmbeddingOptions(**tiny), command="test")
    table = study.glitches()
    part = table["id"].map(parts)
    chosen = table[(part == "train") & table["label"].isin(classes)]
    vectors = np.asarray(store.vectors[store.rows(chosen.index.to_numpy())])
    head = LogisticRegression(C=1e-3 * (1 + seed), max_iter=20).fit(vectors, chosen["label"])
    weight, bias = head.coef_, head.intercept_
    if len(head.classes_) == 2:  # scikit-learn gives one row for two classes
        weight, bias = np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    network = load_network(tiny["backbone"], tiny["weights"])
    card = {
        "backbone": tiny["backbone"],
        "classes": list(head.classes_),
        "views": "4.0",
        "trained_on": "a test",
        "weights": f"model:{before.name}" if before else "bundled",
    }
    return save_model(
        model_folder(study.folder, name),
        network.module.state_dict(),
        torch.tensor(weight, dtype=torch.float32),
        torch.tensor(bias, dtype=torch.float32),
        card=card,
        parts=parts,
        before=before,
    )


def counted_glitches(monkeypatch):
    """A list that gets, block by block, how many glitches go through a network from now on."""
    counts, call = [], Embedder.__call__

    def counted(self, block):
        out = call(self, block)
        counts.append(len(out[1]))
        return out

    monkeypatch.setattr(Embedder, "__call__", counted)
    return counts
