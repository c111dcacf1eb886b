"""What all tables belong to, and the table that says of which version they are."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table, Text

SCHEMA_VERSION = 11
LARGEST_ID = 2**63 - 1  # of an INTEGER; asking SQLite for a larger one is an error

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
