"""Preference pairs: one answer that led to success against one that did not, to one prompt."""
