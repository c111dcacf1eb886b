"""Refusing pictures of no class: how familiar a picture is, and where "none of these" begins."""
