"""A small model of another family for CPUs: it finds objects first, and then lets the phrase choose among them."""
