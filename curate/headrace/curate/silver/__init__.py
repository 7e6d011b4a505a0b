"""Silver: the episodes of a lake without personal data, and the key that they were made under."""
