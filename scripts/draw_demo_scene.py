"""Draw the picture that comes with the package: python scripts/draw_demo_scene.py KIND SEED"""

import sys
from pathlib import Path

from PIL import Image

from rs2sam2.data.synthetic import render

kind, seed = sys.argv[1], int(sys.argv[2])
target = Path(__file__).parent.parent / "src/rs2sam2/assets/demo/scene.png"
Image.fromarray(render(kind, size=(576, 768), seed=seed).image).save(target)
