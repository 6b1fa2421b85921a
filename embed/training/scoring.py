"""How well a classifier in training does on glitches that it is not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import log_softmax

from embed.metrics.accuracy import class_scores, confusion_matrix, macro, top_accuracies, true_ranks
from embed.training.context import TrainingContext, pictures_of, precision
from embed.training.variation import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.training.classifier import Classifier
    from embed.types import Rows


_JUDGED = {"cpu": 64, "cuda": 512}
"""Glitches a batch when nothing is trained."""


def scores(context: TrainingContext, classifier: Classifier, rows: Rows) -> dict[str, float]:
    """Loss, accuracy, top-5 accuracy and macro-F1 on some of the training set's glitches, without augmentation."""
    logits = judge(context, classifier, rows)
    truth = context.training_set.targets[rows]
    log_probabilities = log_softmax(torch.from_numpy(logits), dim=1).numpy()
    top = top_accuracies(true_ranks(log_probabilities, truth))
    count = logits.shape[1]
    table = class_scores(confusion_matrix(truth, np.argmax(log_probabilities, axis=1), count))
    return {
        "loss": float(-log_probabilities[np.arange(len(rows)), truth].mean()),
        "accuracy": float(top[0]),
        "top5": float(top[-1]),
        "macro_f1": macro(table.f1, table.support),
    }


@torch.no_grad()
def judge(context: TrainingContext, classifier: Classifier, rows: Rows) -> NDArray[np.float64]:
    """Logits (M, K) of some of the training set's glitches."""
    classifier.eval()
    ranks = context.ranks
    logits = torch.zeros(len(rows), len(context.training_set.classes), dtype=torch.float64, device=context.device)
    own = np.arange(len(rows))[ranks.own(len(rows))]
    size = _JUDGED[context.device.type]
    for start in range(0, len(own), size):
        some = own[start : start + size]
        keys = torch.zeros(len(some), dtype=torch.int64)
        pictures = pictures_of(context, context.levels.batch(rows[some]), NONE, keys)
        with precision(context):
            _, answer = classifier(pictures)
        logits[torch.from_numpy(some).to(context.device)] = answer.double()
    return ranks.summed(logits).cpu().numpy()
