"""What people ask for: clusters of requests that stay put, with ids and names that last.

Lake-free: functions over vectors, counts and texts.
"""
