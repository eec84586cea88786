"""RS2-SAM2 in PyTorch: one file per box of the paper's figure."""
