"""Reading and writing weights: safely, strictly, and never two full copies in memory."""
