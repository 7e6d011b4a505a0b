"""Screens: what looks like poison or misuse is held back until a person has looked at it."""
