"""Fetching on many machines: parcels of addresses, shards of what came, and Ray to run them."""
