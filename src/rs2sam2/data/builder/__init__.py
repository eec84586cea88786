"""Labelled imagery in, a referring data set out, every phrase executed on the annotation."""
