"""The whole of an evaluation: ask a model (or take another method's masks), then everything that is said about the answers.

records, metrics = evaluate_model(predictor, data, "val", EvaluateConfig())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rs2sam2.config import DEFAULT_MIN_SCORE
from rs2sam2.data.present import check_files
from rs2sam2.data.registry import Dataset
from rs2sam2.data.sample import Sample
from rs2sam2.errors import DataError, UsageError
from rs2sam2.evaluate import robustness
from rs2sam2.evaluate.ask import Asking, Question, answer_of_mask, ask, truths_of
from rs2sam2.evaluate.bootstrap import RESAMPLES
from rs2sam2.evaluate.breakdown import breakdown, scored, table_of
from rs2sam2.evaluate.control import control, other_images
from rs2sam2.evaluate.facts import Scenes, facts_of, scenes_of
from rs2sam2.evaluate.pairs import find_pairs, pairs_right
from rs2sam2.evaluate.predictions import Given
from rs2sam2.evaluate.presence import presence
from rs2sam2.evaluate.protocol import Protocol, protocols_of
from rs2sam2.evaluate.quirks import VARIANTS, variant
from rs2sam2.evaluate.ranks import Ranks
from rs2sam2.evaluate.records import Answer, Record, WrongImage
from rs2sam2.predictor import Predictor
from rs2sam2.segmenter import least_score

FORMAT, VERSION = "rs2sam2-metrics", 1
PREFERRED_SPLITS = ("test", "val")
Advance = Callable[[str, int, int], None]
"""Called with (what is being done, how many are done, of how many)."""


@dataclass(frozen=True)
class EvaluateConfig:
    """What to measure. Raises UsageError for what cannot be."""

    protocol: str = "all"
    """native, released, 480 or all."""
    control: bool = False
    """Ask each phrase of another image too."""
    robustness: int = 0
    """So many samples are asked again under each change of the image."""
    oracles: bool = True
    """Diagnostics of each sample: where quality is lost."""
    min_score: float | None = None
    """Below it the answer is "not here"; None: the segmenter's own `min_score`, else 0.5."""
    resamples: int = RESAMPLES
    """Redrawn sets behind each interval."""

    def __post_init__(self) -> None:
        protocols_of(self.protocol)
        if self.robustness < 0 or self.resamples < 1:
            raise UsageError(f"robustness {self.robustness} and resamples {self.resamples} must be positive numbers")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min-score {self.min_score} is no probability; choose from 0 to 1")

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Those that are computed; the first is the one that breakdowns use."""
        return protocols_of(self.protocol)


def choose_samples(data: Dataset, split: str | None = None, limit: int | None = None) -> list[Sample]:
    """`limit` samples of a split, spread evenly over it; without a split of test, else val, else the last there is.

    Raises UsageError where there is nothing to score, DataError where the data set has no split.
    """
    there = data.splits()
    if not there:
        raise DataError(f"{data.root} has no split; expected {data.layout.expected}")
    chosen = split or next((name for name in PREFERRED_SPLITS if name in there), there[-1])
    samples = data.read(chosen)
    if limit is not None:
        if limit < 1:
            raise UsageError(f"--limit {limit} leaves nothing to score; give 1 or more")
        samples = [samples[place] for place in subset(samples, limit)]
    if not samples:
        raise UsageError(f"split {chosen!r} of {data.root} is empty; choose one of {', '.join(there)}")
    return samples


def subset(samples: Sequence[Sample], count: int) -> list[int]:
    """Places of `count` samples spread evenly over the split, all where there are no more."""
    if count >= len(samples):
        return list(range(len(samples)))
    return sorted({int(place) for place in np.linspace(0, len(samples) - 1, count)})


def evaluate_model(
    predictor: Predictor,
    data: Dataset,
    samples: Sequence[Sample],
    config: EvaluateConfig,
    *,
    ranks: Ranks | None = None,
    advance: Advance = lambda what, done, total: None,
) -> tuple[list[Record], dict[str, Any]]:
    """The records (with native masks) and the metrics of a model on samples of a data set; the same on every rank.

    Raises DataError where an image or mask cannot be read (before anything is computed, where one is missing), UsageError
    where the configuration does not fit the samples.
    """
    check_files(samples)
    scenes = scenes_of(samples, data)
    min_score = config.min_score
    if min_score is None:
        min_score = least_score(predictor.segmenter)

    def answers(what: str, questions: Sequence[Question], asking: Asking) -> list[Answer]:
        done = 0

        def step(n: int) -> None:
            nonlocal done
            done = min(done + n, len(questions))
            advance(what, done, len(questions))

        return ask(predictor, questions, asking, ranks=ranks, advance=step)

    wrong = other_images(samples) if config.control else {}
    plain = Asking(config.protocols)
    main = Asking(config.protocols, keep_masks=True, oracles=config.oracles)
    answered = answers("evaluating", [Question(s.phrase, s, s) for s in samples], main)
    records = records_of(samples, answered, scenes)
    if config.control:
        asked = answers("wrong images", [Question(s.phrase, wrong[s.image], s) for s in samples], plain)
        records = [
            replace(r, control=WrongImage(str(other), scenes.shows(other, r.category), answer))
            for r, s, answer in zip(records, samples, asked, strict=True)
            for other in (wrong[s.image].image,)
        ]
    metrics = summarise(records, samples, config, min_score)
    if config.robustness:
        metrics["robustness"] = _robustness(samples, answered, scenes, config, min_score, answers)
    return records, metrics


def _robustness(
    samples: Sequence[Sample],
    answered: Sequence[Answer],
    scenes: Scenes,
    config: EvaluateConfig,
    min_score: float,
    answers: Callable[[str, Sequence[Question], Asking], list[Answer]],
) -> list[dict[str, Any]]:
    first = config.protocols[0]
    places = subset(samples, config.robustness)
    rows = []
    for name in robustness.CHANGES:
        made = [(i, robustness.change(name, samples[i], scenes)) for i in places]
        asked = [(i, question) for i, question in made if question is not None]
        if asked:
            changed = answers(name, [question for _, question in asked], Asking((first,)))
            those, before = [samples[i] for i, _ in asked], [answered[i] for i, _ in asked]
            rows.append(
                robustness.robustness_row(name, those, before, changed, first.name, min_score, config.resamples)
            )
    return rows


def score_given(
    given: Mapping[int, Given],
    data: Dataset,
    samples: Sequence[Sample],
    config: EvaluateConfig,
    *,
    advance: Advance = lambda what, done, total: None,
) -> tuple[list[Record], dict[str, Any]]:
    """The records and metrics of finished masks, by the sample's place; a sample without one counts as an empty mask."""
    asking = Asking(config.protocols, keep_masks=True)
    answered, resized = [], 0
    for place, sample in enumerate(samples):
        truths = truths_of(sample, config.protocols)
        mask, score = np.zeros(truths["native"].shape, np.bool_), None
        if place in given:
            mask, score = given[place].mask(sample), given[place].score
            resized += mask.shape != truths["native"].shape
        answered.append(answer_of_mask(mask, truths, asking, score=score))
        advance("scoring", place + 1, len(samples))
    min_score = DEFAULT_MIN_SCORE if config.min_score is None else config.min_score
    records = records_of(samples, answered, scenes_of(samples, data))
    metrics = summarise(records, samples, config, min_score)
    metrics["counts"] |= {"masks of another size": resized, "samples without a mask": len(samples) - len(given)}
    return records, metrics


def records_of(samples: Sequence[Sample], answers: Sequence[Answer], scenes: Scenes) -> list[Record]:
    """Samples and their answers, with what is known of the phrase."""
    out = []
    for sample, answer in zip(samples, answers, strict=True):
        facts = facts_of(sample, scenes)
        out.append(
            Record(
                id=sample.id,
                split=sample.split,
                phrase=sample.phrase,
                image=str(sample.image),
                category=facts.category,
                kind=facts.kind,
                words=facts.words,
                targets=len(sample.targets),
                class_there=facts.class_there,
                answer=answer,
            )
        )
    return out


def summarise(
    records: Sequence[Record], samples: Sequence[Sample], config: EvaluateConfig, min_score: float
) -> dict[str, Any]:
    """All that `metrics.json` says but for the robustness."""
    targets = [r for r in records if r.has_target]
    answers, images = [r.answer for r in targets], [r.image for r in targets]
    first, resamples = config.protocols[0].name, config.resamples
    variants: dict[str, dict[str, dict[str, float]]] = {}
    for p in config.protocols:
        table = table_of(answers, p.name)
        pixels = np.array([h * w for h, w in (p.size(a.size) for a in answers)], np.int64)
        variants[p.name] = {name: variant(name, table, pixels) for name in VARIANTS}
    return {
        "format": FORMAT,
        "version": VERSION,
        "counts": {
            "samples": len(records),
            "with a target": len(targets),
            "without a target": len(records) - len(targets),
            "images": len({r.image for r in records}),
            "empty truths": sum(not a.truth_pixels["native"] for a in answers),
            "empty masks": sum(not a.mask_pixels for a in answers),
            "unreadable phrases": sum(r.answer.unread for r in records),
        },
        "main_protocol": first,
        "scores": {p.name: scored(answers, images, p.name, resamples) for p in config.protocols},
        "variants": variants,
        "breakdown": breakdown(targets, first, resamples),
        "presence": presence(records, first, min_score, resamples),
        "wrong_image": control(records, first, min_score, resamples),
        "pairs": pairs_right(find_pairs(samples), records, first, resamples),
        "robustness": [],
        "oracles": diagnostics(targets),
        "resamples": resamples,
    }


def diagnostics(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Mean of each diagnostic over the samples that have it."""
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.answer.diagnostics.items():
            values.setdefault(name, []).append(value)
    return {name: {"samples": len(those), "mean": float(np.mean(those))} for name, those in values.items()}
