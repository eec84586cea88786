"""Synthetic overhead scenes with exact instance masks. They are drawings, and every file written says so."""

from rs2sam2.data.synthetic.render import Instance, SyntheticScene, render
from rs2sam2.data.synthetic.scenes import SCENES

__all__ = ["SCENES", "Instance", "SyntheticScene", "render"]
