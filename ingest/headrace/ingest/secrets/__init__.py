"""Credentials in telemetry: found by shape, by context and by the name of their key; removed."""
