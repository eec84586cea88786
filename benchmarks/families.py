"""RS2-SAM2 in small on what the bundled model was trained on: the same imagery, views and phrases, another family.

python benchmarks/families.py DATA --refs NWPU-Ref -o runs/families --views 12000 [--size 384] [--resume] [--key.key=value ...]

DATA is the folder that nano is trained from. The model is the preset `nano` (RS2-SAM2's frame: a text-conditioned trunk, a
joint image-text encoder, a mask prompt, SAM2's decoder; 8.3 M parameters), trained by the recipe `nwpu-nano`, but on views
drawn as for nano. Its trunk starts from the bundled weights, which have seen this imagery; the rest starts fresh. Layouts
without images have no use here: this family reads phrases over pixels. The weights are in runs/families/last, for
`rs2sam2 evaluate`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

from rs2sam2.checkpoint.folder import BUNDLED, locate
from rs2sam2.model.lite import LiteTrunk
from rs2sam2.objects.files import load
from rs2sam2.processor import Processor
from rs2sam2.train.learners import LEARNERS
from rs2sam2.train.loop import train
from rs2sam2.train.objects.beside import never_beside
from rs2sam2.train.objects.data import bank_of, draw_asked
from rs2sam2.train.objects.layouts import read_layouts
from rs2sam2.train.objects.options import Data
from rs2sam2.train.objects.options import Options as ObjectOptions
from rs2sam2.train.objects.phrases import Asked, PhraseBank
from rs2sam2.train.objects.pools import Pool, open_parted
from rs2sam2.train.objects.views import View
from rs2sam2.train.recipe import load_recipe
from rs2sam2.train.rs2sam2.batch import Item
from rs2sam2.train.rs2sam2.learner import RS2SAM2Learner

NAME = "rs2sam2-on-views"


class ViewPhrases:
    """A view with its phrases, as RS2-SAM2 takes them. Item i depends on the pools, the seed, the epoch and i alone."""

    def __init__(self, pools: Sequence[Pool], options: Data, processor: Processor, side: int, seed: int) -> None:
        self.pools, self.options, self.processor, self.side, self.seed = list(pools), options, processor, side, seed
        self.epoch, self.bank = 0, PhraseBank()

    def __len__(self) -> int:
        return self.options.views

    def set_epoch(self, epoch: int) -> None:
        """Other views, and another bank of phrases to deny."""
        self.epoch = epoch
        self.bank = bank_of(self.pools, self.options, Random(f"{self.seed}/{epoch}/bank"))

    def __getitem__(self, index: int) -> Item:
        """A view of which something can be said."""
        random = Random(f"{self.seed}/{self.epoch}/{index}")
        asked: list[Asked] = []
        while not asked:
            view, asked = draw_asked(self.pools, self.bank, self.options, self.side, random)
        trunk, _ = self.processor.images([Image.fromarray(view.image)])
        return Item(
            image=trunk[0],
            image_beit3=None,
            phrases=[a.phrase for a in asked],
            masks=torch.stack([self._mask(view, a) for a in asked]),
            targets=[a.there for a in asked],
        )

    def _mask(self, view: View, asked: Asked) -> torch.Tensor:
        """(S, S) bool; empty where an object that is meant has no mask."""
        masks = [mask for i in asked.targets if (mask := view.masks[i]) is not None]
        if not masks or len(masks) < len(asked.targets):
            return torch.zeros(self.side, self.side, dtype=torch.bool)
        picture = Image.fromarray(np.maximum.reduce(masks)).resize((self.side,) * 2, Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(picture) >= 128)


class OnViews(RS2SAM2Learner):
    """RS2-SAM2, trained on the views of nano's recipe."""

    source: ObjectOptions
    """Where the views come from."""

    def training_data(self) -> ViewPhrases:  # type: ignore[override]
        """Views instead of samples; the trunk's convolutions from the bundled weights."""
        convolutions = load(locate(BUNDLED)).trunk.state_dict()
        trunk = self._model.trunk
        assert isinstance(trunk, LiteTrunk)
        missing, unknown = trunk.load_state_dict(convolutions, strict=False)
        assert not unknown and all(name.startswith("text_adapters.") for name in missing)
        data = self.source.data
        assert data.layouts is not None
        root = Path(data.root)
        beside = never_beside({phrase.layout for phrase in read_layouts(root / data.layouts)}, data.rare)
        pools, _ = open_parted(root, data.pools, data.calibration.share, beside)
        return ViewPhrases(pools, data, Processor(self.config), self.config.image_size, self.recipe.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--refs", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/families"))
    parser.add_argument("--views", type=int, default=12000)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--resume", action="store_true")
    args, settings = parser.parse_known_args()
    OnViews.source = load_recipe("nano", [f"--data.root={args.data}", f"--data.views={args.views}"]).options
    LEARNERS[NAME] = f"{__name__}:OnViews"
    recipe = load_recipe(
        "nwpu-nano",
        [
            f"--learner={NAME}", f"--data.root={args.refs}", "--epochs=1",
            f"--model.image_size={args.size}", f"--model.beit3.image_size={args.size}", *settings,
        ],
    )  # fmt: skip
    train(recipe, args.output, resume=args.resume)


if __name__ == "__main__":
    main()
