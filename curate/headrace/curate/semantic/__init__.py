"""What requests mean: vectors of their texts, and leaders that gather those of one meaning.

Lake-free: functions over texts and arrays. Cosine alone never merges and never deletes.
"""
