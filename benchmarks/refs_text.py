"""Can a phrase's words alone tell whether it has a target? They must not: a model could then cheat.

    python benchmarks/refs_text.py refs/nwpu --split train --test val

Logistic regression on a bag of words (and of word pairs), both answers weighted alike. Prints the balanced accuracy, 50 %
is chance. Cross-validation by image comes out below chance, because each no-target phrase is a copy of a phrase that has
a target: where the copy is held out, the original was learnt from. The other split has no such copies.
"""

from __future__ import annotations

import argparse
import itertools
import re
import zlib
from collections import Counter

import numpy as np
import torch

from rs2sam2.data.refs import read


def bag(phrase: str, pairs: bool) -> Counter[str]:
    """How often each word, and each neighbouring pair, occurs."""
    words = re.findall(r"[a-z0-9]+", phrase.lower())
    return Counter(words + ([" ".join(p) for p in itertools.pairwise(words)] if pairs else []))


def features(phrases: list[str], pairs: bool, known: list[str] | None = None) -> torch.Tensor:
    """(N, V) counts of the words and pairs that occur in at least three of the phrases (of `known` where given)."""
    total: Counter[str] = Counter()
    for phrase in phrases if known is None else known:
        total.update(bag(phrase, pairs).keys())
    place = {word: i for i, word in enumerate(sorted(w for w, n in total.items() if n >= 3))}
    matrix = torch.zeros(len(phrases), len(place))
    for row, phrase in enumerate(phrases):
        for word, count in bag(phrase, pairs).items():
            if word in place:
                matrix[row, place[word]] = count
    return matrix


def fit(x: torch.Tensor, labels: torch.Tensor, decay: float = 1e-3) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and bias of a logistic regression, both answers weighted alike."""
    y = labels.float()
    weight = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    w, b = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=50)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ w + b, y, weight) + decay * (w * w).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return w.detach(), b.detach()


def mean_recall(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """The mean of the two answers' recalls, of scores whose sign is the guess."""
    guesses = (scores > 0).to(labels.dtype)
    return sum((guesses[labels == c] == c).float().mean().item() for c in (0, 1)) / 2


def balanced_accuracy(matrix: torch.Tensor, labels: torch.Tensor, folds: np.ndarray) -> float:
    """Mean recall of held-out folds together."""
    scores = torch.zeros(len(labels))
    for fold in range(int(folds.max()) + 1):
        held = torch.from_numpy(folds == fold)
        w, b = fit(matrix[~held], labels[~held])
        scores[held] = matrix[held] @ w + b
    return mean_recall(scores, labels)


def main() -> None:
    """Score one split of a data set in the open format, and another one by what was learnt from it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--test", help="another split, guessed by what was learnt from the whole of --split")
    arguments = parser.parse_args()
    samples = read(arguments.folder, arguments.split)
    phrases, labels = [s.phrase for s in samples], torch.tensor([int(bool(s.targets)) for s in samples])
    folds = np.array([zlib.crc32(s.image.name.encode()) % 5 for s in samples])
    print(f"{arguments.split}: {len(samples)} phrases, {int((labels == 0).sum())} without a target")
    for name, pairs in (("words", False), ("words and word pairs", True)):
        matrix = features(phrases, pairs)
        print(f"bag of {name}: {100 * balanced_accuracy(matrix, labels, folds):.1f} % in five folds by image")
        if arguments.test:
            others = read(arguments.folder, arguments.test)
            w, b = fit(matrix, labels)
            scores = features([s.phrase for s in others], pairs, known=phrases) @ w + b
            score = mean_recall(scores, torch.tensor([int(bool(s.targets)) for s in others]))
            print(f"bag of {name}: {100 * score:.1f} % on {arguments.test}")


if __name__ == "__main__":
    main()
