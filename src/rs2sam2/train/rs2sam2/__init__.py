"""The learner that trains RS2-SAM2, in every size and with every component on or off."""
