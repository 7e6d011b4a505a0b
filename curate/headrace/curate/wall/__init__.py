"""The wall between training and evaluation: who belongs together, and what gives a case away."""
