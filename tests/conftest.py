"""A property holds however long one example takes: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
