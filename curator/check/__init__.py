"""What is wrong with the data before training: duplicates, outliers, quality, counts, splits.

And what the pretrained network calls the images. Imports nothing from the later stations (learn,
review, deliver).
"""
