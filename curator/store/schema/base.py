"""What all tables belong to, and the table that says of which version they are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Table
from sqlalchemy import Integer as AnyInteger
from sqlalchemy import Text as AnyText

SCHEMA_VERSION = 11
LARGEST_ID = 2**63 - 1  # of an INTEGER; asking SQLite for a larger one is an error

# As SQLite has them: texts in the order of their bytes, integers of 64 bits. In names upper and
# lower case are the same.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")
Integer = AnyInteger().with_variant(BigInteger(), "postgresql")
Name = AnyText(collation="NOCASE")

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
