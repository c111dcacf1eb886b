"""Suspicious images, confusion, queues and comparisons, and the decisions that follow.

Reads what runs said; never trains. Imports nothing from deliver.
"""
