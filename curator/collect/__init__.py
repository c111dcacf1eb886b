"""From address lists to verified files: parsing, hardened download, decoding, measures."""
