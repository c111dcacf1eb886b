"""What is wrong with the data before training: duplicates, splits, counts, quality.

Imports nothing from the later stations (learn, review, deliver).
"""
