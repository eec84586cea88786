"""Scenes: a phrase on a raster of any size, clean vectors on the ground out."""
