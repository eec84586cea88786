"""What is known of a phrase besides its mask: its kind, its length, the class it names, and whether its image shows that class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rs2sam2.data.builder.annotated import read_layouts
from rs2sam2.data.language import lexicon
from rs2sam2.data.language.layout import Layout
from rs2sam2.data.language.parser import PhraseError, parse
from rs2sam2.data.language.program import Program, RuleName, kind
from rs2sam2.data.language.tokens import words
from rs2sam2.data.registry import Dataset
from rs2sam2.data.sample import Sample

UNPARSED = "other"
"""The kind of a phrase that the parser does not understand."""


@dataclass(frozen=True)
class Facts:
    """Of one sample."""

    kind: str
    words: int
    category: str | None
    class_there: bool | None
    """Whether the image shows the class; None where nobody knows."""


@dataclass(frozen=True)
class Scenes:
    """What the images of a split show, as far as anybody wrote it down."""

    classes: dict[Path, frozenset[str]]
    layouts: dict[Path, Layout]
    """Every annotated object; only what `rs2sam2 data make-refs` wrote has them."""

    def shows(self, image: Path, category: str | None) -> bool | None:
        """Whether an image shows a class ("vehicle" covers cars); None where class or image is not known."""
        if category is None or image not in self.classes:
            return None
        return bool(lexicon.covers(category, self.classes[image]))


def program_of(sample: Sample) -> Program | None:
    """The program that came with a sample, else the parser's; None where it does not understand the phrase."""
    if sample.program is not None and "select" in sample.program:
        return Program.from_dict(sample.program)
    rules: RuleName = "rrsisd" if "rrsis-d" in sample.source.lower() else "english"
    try:
        return parse(sample.phrase, rules, (sample.category,) if sample.category else ())
    except PhraseError:
        return None


def scenes_of(samples: Sequence[Sample], data: Dataset | None = None) -> Scenes:
    """From the layouts beside a split where there are any, and from the phrases that have a target.

    Of a data set all phrases of the samples' splits are read: what an image shows does not depend on which are asked.
    """
    known = list(samples)
    if data is not None:
        for split in {s.split for s in samples} & set(data.splits()):
            known += data.read(split)
    layouts: dict[Path, Layout] = {}
    if data is not None and data.layout.name == "refs":
        from rs2sam2.data.refs import read_info

        root = read_info(data.root).image_root
        for split in dict.fromkeys(s.split for s in samples):
            if (data.root / "layouts" / f"{split}.jsonl").is_file():
                layouts |= {root / name: layout for name, layout in read_layouts(data.root, split).items()}
    classes: dict[Path, set[str]] = {}
    for image, layout in layouts.items():
        classes[image] = {lexicon.canonical(o.category) for o in layout.objects}
    for sample in known:
        if sample.targets and (category := sample.category or _named(sample)):
            classes.setdefault(sample.image, set()).add(lexicon.canonical(category))
    return Scenes({image: frozenset(names) for image, names in classes.items()}, layouts)


def _named(sample: Sample) -> str | None:
    program = program_of(sample)
    return program.select.category if program else None


def facts_of(sample: Sample, scenes: Scenes) -> Facts:
    """Kind and class as the data set says, else as the parser reads the phrase."""
    program = None
    if sample.kind is None or sample.category is None:
        program = program_of(sample)
    category = sample.category or (program.select.category if program else None)
    return Facts(
        kind=sample.kind or (kind(program.select) if program else UNPARSED),
        words=len(words(sample.phrase)),
        category=category,
        class_there=scenes.shows(sample.image, category),
    )
