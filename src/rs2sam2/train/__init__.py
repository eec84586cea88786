"""Training: a loop that knows batches, losses and checkpoints, and learners that know models.

    recipe.py        what a run is, as frozen dataclasses read from YAML
    learner.py       what the loop asks of a learner, and the learners there are
    loop.py          the loop; schedule, ema, precision, distributed, checkpointing, resume serve it
    rs2sam2/         the learner that trains RS2-SAM2

Importing this package imports nothing else.
"""
