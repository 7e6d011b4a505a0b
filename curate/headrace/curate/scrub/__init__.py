"""Personal data out, surrogates in: what silver is made through."""
