"""`rs2sam2 data ...`: look at, check and convert data sets, and make new ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from rs2sam2.cli.console import follow, progress, say, say_json
from rs2sam2.cli.make_refs import make_refs
from rs2sam2.cli.render import render
from rs2sam2.errors import DataError, PartialFailureError, UsageError

if TYPE_CHECKING:
    from rs2sam2.data.check import Report

app = App(name="data", help="Look at, check and convert referring data sets, and make new ones.")
app.command(make_refs)
app.command(render)

Splits = Annotated[list[str] | None, Parameter(name="--split", negative=())]


@app.command
def check(
    path: Path,
    /,
    *,
    split: Splits = None,
    words: Path | None = None,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    workers: int | None = None,
) -> None:
    """Report what a data set holds and what is wrong with it; exit with 4 if a sample is unusable.

    The report has counts per split, category and phrase kind; missing or unreadable images; empty, undecodable or
    mis-sized masks; repeated ids; images that look the same, within and across splits; words that are not in the
    training split.

    Parameters
    ----------
    path
        Folder of the data set (RRSIS-D, RefSegRS, RISBench or the open format).
    split
        Only this split; may be repeated.
    words
        Text file of the known words, instead of those of the training split.
    json
        Print the whole report as JSON.
    workers
        Threads that decode images (default: one per core).
    """
    from rs2sam2.data.check import check_dataset, words_of
    from rs2sam2.data.registry import open_dataset

    known = None
    if words is not None:
        if not words.is_file():
            raise UsageError(f"no word list {words}; give a text file")
        try:
            known = set(words_of(words.read_text(encoding="utf-8-sig")))
        except UnicodeDecodeError as error:
            raise UsageError(
                f"word list {words} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
            ) from None
    with progress("reading", 1) as bar:
        report = check_dataset(open_dataset(path), split, words=known, workers=workers, progress=follow(bar))
    if json:
        say_json(report.to_dict())
    else:
        say(_text(report))
    if report.broken:
        way_out = "correct them"
        if all(finding.what != "unreadable split" for finding in report.broken):  # convert has to read every split
            way_out += ", or leave those samples out: rs2sam2 data convert PATH OUT --drop-broken"
        raise PartialFailureError(f"{len(report.broken)} things in {path} are broken (listed above); {way_out}")


@app.command
def preview(
    path: Path,
    out: Path = Path("preview.png"),
    /,
    *,
    split: str | None = None,
    category: str | None = None,
    kind: str | None = None,
    count: int = 40,
    columns: int = 5,
    cell: int = 320,
    seed: int = 0,
) -> None:
    """Draw a contact sheet: samples with their masks outlined and their phrases beneath.

    Parameters
    ----------
    path
        Folder of the data set.
    out
        Image file to write (.png, .jpg, .webp).
    split
        Split to draw from (default: the first).
    category
        Only samples of this category.
    kind
        Only phrases of this kind, such as position; `no-target` for those without a target.
    count
        Number of samples.
    columns
        Number of samples in a row.
    cell
        Side of each picture in pixels.
    seed
        Random seed for the choice of samples.
    """
    from rs2sam2.data.preview import choose, contact_sheet, save_sheet
    from rs2sam2.data.registry import open_dataset

    data = open_dataset(path)
    if not data.splits():
        raise DataError(f"{path} has no split; expected {data.layout.expected}")
    samples = data.read(split or data.splits()[0])
    if category is not None:
        samples = [s for s in samples if s.category == category]
    if kind is not None:
        samples = [s for s in samples if (s.kind == kind if kind != "no-target" else not s.targets)]
    shown = choose(samples, count, seed)
    save_sheet(contact_sheet(shown, columns=columns, cell=cell), out)
    say(f"{out}: {len(shown)} of {len(samples)} samples")


@app.command
def convert(
    path: Path,
    out: Path,
    /,
    *,
    to: Literal["refs", "rrsisd"] = "refs",
    split: Splits = None,
    images: Literal["copy", "reference"] = "copy",
    drop_broken: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Write any data set in the open format or in RRSIS-D's layout.

    Parameters
    ----------
    path
        Folder of the data set.
    out
        Folder to write, new or empty.
    to
        refs: the open format. rrsisd: RRSIS-D's layout, for tools that read nothing else.
    split
        Only this split; may be repeated.
    images
        copy: copy them into the new folder. reference: leave them where they are (open format only).
    drop_broken
        Leave out samples that `rs2sam2 data check` calls broken.
    """
    from rs2sam2.data.convert import convert_dataset
    from rs2sam2.data.registry import open_dataset

    with progress("writing", 1) as bar:
        counts = convert_dataset(
            open_dataset(path), out, to, splits=split, images=images, drop_broken=drop_broken, progress=follow(bar)
        )
    say(f"{out}: " + ", ".join(f"{split} {count:,}" for split, count in counts.items()))


def _text(report: Report) -> str:
    """The report for a person: counts, then findings by what they are, the first five of each."""
    from rs2sam2.data.check import BROKEN, NOTED

    lines = [f"{report.root} ({report.layout})"]
    for split, c in report.splits.items():
        lines.append(
            f"{split}: {c.samples:,} samples of {c.images:,} images, {c.objects:,} targets, "
            f"{c.no_target:,} samples without one"
        )
        for name, counts in (("category", c.categories), ("kind", c.kinds)):
            if counts:
                lines.append(f"  {name}: " + ", ".join(f"{key} {n:,}" for key, n in counts.items()))
    for what, meaning in (BROKEN | NOTED).items():
        found = [f for f in report.findings if f.what == what]
        if found:
            lines.append(f"{'BROKEN' if what in BROKEN else 'note'}: {what}, {len(found):,} times ({meaning})")
            lines += [f"  {f.split} {f.id}: {f.detail}" for f in found[:5]]
            if len(found) > 5:
                lines.append(f"  and {len(found) - 5:,} more (--json lists them)")
    if not report.findings:
        lines.append("nothing to report")
    return "\n".join(lines)
