"""Near duplicates: units of text, their MinHash signatures, candidates, edges and stable clusters.

Lake-free: functions over arrays and frames, and `index.Index` over a DuckDB connection given to it.
"""
