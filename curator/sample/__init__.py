"""The embedded sample: handwritten digits served on the loopback, with planted faults.

Stands outside the stations: it uses the project as a user would.
"""
