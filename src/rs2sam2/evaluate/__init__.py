"""Evaluation: every score of the field under every protocol, of this package's models or of any other method's masks."""
