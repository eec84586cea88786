"""Train the small model's vocabulary (about 1,000 pieces) on text generated from the word lists below.

    python scripts/build_nano_vocabulary.py src/rs2sam2/assets/nano/vocabulary.spm

Case is folded. All letters are pieces, so that an unknown word is spelt rather than lost.
"""

import random
import string
import sys
from pathlib import Path

import sentencepiece

PIECES = 1007  # 1,008 embedding rows with the shift by one; a multiple of 16

THINGS = """airplane; aircraft; plane; jet; helicopter; airport; runway; apron; taxiway; hangar; terminal; baseball field;
baseball diamond; basketball court; tennis court; sports court; bridge; overpass; flyover; viaduct; chimney;
smokestack; dam; expressway; highway; freeway; motorway; service area; expressway service area; toll station;
expressway toll station; golf course; golf field; golfcourse; ground track field; running track; athletics track;
football field; soccer field; playground; stadium; harbor; harbour; port; dock; pier; jetty; quay; wharf; ship; boat;
vessel; ferry; barge; yacht; tanker; cargo ship; sailboat; storage tank; oil tank; fuel tank; silo; tank; train
station; railway station; railway; train; rail track; vehicle; car; bus; truck; van; minibus; lorry; trailer;
windmill; wind turbine; turbine; blade; tower; building; house; roof; warehouse; factory; shed; greenhouse;
skyscraper; road; street; path; lane; crossroad; intersection; roundabout; junction; parking lot; parking; car park;
bus lane; sidewalk; zebra crossing; road marking; tree; forest; bush; grass; lawn; meadow; field; farmland; crop;
vegetation; low vegetation; land; soil; bare ground; sand; beach; desert; rock; mountain; hill; water; river; lake;
sea; pond; pool; swimming pool; canal; coast; shore; island; impervious surface; pavement; bikeway; solar panel;
container; crane; fence; wall; court; square; school; church; industrial area; residential area; construction site;
shadow; thing; object; area; surface; structure"""
PLACES = """on the left; on the right; at the top; at the bottom; in the middle; in the center; in the centre; in the upper left;
in the upper right; in the lower left; in the lower right; on the upper left; on the lower right; in the top left
corner; in the bottom right corner; near the edge; on the left side; on the right side; to the left of; to the right
of; above; below; under; over; next to; beside; near; close to; far from; between; inside; outside; within; along;
across; around; in front of; behind; surrounded by; parked at; parked in; driving on; docked at; moored at; along the
side of; in"""
SIZES = """large; small; big; tiny; huge; little; long; short; wide; narrow; larger; smaller; largest; smallest; biggest;
longest; shortest; widest; tallest; medium; giant"""
LOOKS = """white; black; gray; grey; red; green; blue; yellow; brown; orange; dark; light; bright; round; circular; square;
rectangular; oval; curved; straight; old; new; empty; full; single; open; closed; colored; silver; beige; pink; purple"""
ORDER = """leftmost; rightmost; topmost; bottommost; uppermost; lowest; highest; first; second; third; fourth; fifth; sixth;
last; left; right; upper; lower; top; bottom; central; middle; nearest; closest; farthest; northern; southern;
eastern; western"""
COUNTS = """one; two; three; four; five; six; seven; eight; nine; ten; all; both; every; each; several; some; many; a pair of; a
row of; a group of"""
OTHER = """that is; which is; is; are; the one; it; its; this; those; these; there; and; or; not; with; without; from; of; by;
at; on; to; for; an; a; row; column; line; group; pair; corner; edge; side; part; half; image; picture; scene; facing;
pointing; heading; parked; moving; standing; lying; has; have; than; other; another; most; more; only; counting"""


def list_of(words):
    return [word.strip() for word in words.replace("\n", " ").split(";")]


def sentences(count: int = 60_000) -> list[str]:
    rng = random.Random(0)
    pick = lambda words: rng.choice(list_of(words) if isinstance(words, str) else words)  # noqa: E731
    plural = lambda thing: thing + ("es" if thing.endswith(("s", "sh", "ch", "x")) else "s")  # noqa: E731
    lines = []
    for _ in range(count):
        thing = pick(THINGS)
        words = [pick(["the", "a", "the", ""])] + [pick(x) for x in (ORDER, SIZES, LOOKS) if rng.random() < 0.3]
        if rng.random() < 0.2:
            words, thing = [pick(["the", ""]), pick(COUNTS)], plural(thing)
        words.append(thing)
        if rng.random() < 0.7:
            words.append(pick(PLACES))
            if rng.random() < 0.4:
                words += ["the", pick(ORDER + ";" + SIZES + ";" + LOOKS), pick(THINGS)]
        if rng.random() < 0.15:
            words.append(pick(OTHER))
        lines.append(" ".join(" ".join(words).split()))
    # each word alone and each character often enough to be kept
    lines += [w for words in (THINGS, PLACES, SIZES, LOOKS, ORDER, COUNTS, OTHER) for w in list_of(words)] * 20
    lines += [" ".join(string.ascii_lowercase + string.digits + "-',.")] * 200
    lines += ["".join(rng.sample(string.ascii_lowercase, 8)) for _ in range(4000)]
    return lines


def main(target: str) -> None:
    text = Path(target).with_suffix(".txt.tmp")
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text("\n".join(sentences()))
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(Path(target).with_suffix("")), vocab_size=PIECES, model_type="unigram",
        normalization_rule_name="nmt_nfkc_cf", character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    text.unlink()
    Path(target).with_suffix(".vocab").unlink()
    Path(target).with_suffix(".model").replace(target)
    model = sentencepiece.SentencePieceProcessor(model_file=target)
    for phrase in ("The large ship on the left of the pier", "zeppelin", "2nd tennis-court", "网球"):
        print(phrase, "->", model.encode(phrase, out_type=str))


if __name__ == "__main__":
    main(sys.argv[1])
