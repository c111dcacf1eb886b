"""Tables of what the project holds: classes, sources, images and their tags."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Table, UniqueConstraint

from curator.store.schema.base import Integer, Name, Text, metadata
from curator.store.schema.states import PENDING

classes = Table(
    "classes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    # 1: no longer a class of the project (its making was undone, or it was merged).
    Column("retired", Integer, nullable=False, server_default="0"),
    Column("merged_into", ForeignKey("classes.id")),  # what its sources that are still to come get
)

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # "address", "data" (its bytes were given) or "file"
    Column("origin", Text, nullable=False),  # the address, or the path relative to the import
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("root", Text, nullable=False, default=""),  # of a file: the folder it came from
    Column("listed_in", Text, nullable=False, default=""),  # of an address: the list's name
    Column("line", Integer),
    # Of the picture, as the list named them: "" where it named none.
    Column("license", Text, nullable=False, server_default=""),
    Column("creator", Text, nullable=False, server_default=""),
    Column("source_page", Text, nullable=False, server_default=""),
    Column("split", Text),  # of an imported folder
    Column("state", Text, nullable=False, default=PENDING),
    Column("reason", Text),  # code of curator.imaging.reasons when it failed
    Column("detail", Text),
    Column("final_address", Text),
    Column("http_status", Integer),
    Column("content_type", Text),
    Column("bytes", Integer),
    Column("attempts", Integer, nullable=False, default=0),
    Column("seconds", Float),
    Column("ended_at", Text),
    Column("image_id", ForeignKey("images.id")),
    UniqueConstraint("kind", "root", "origin", "class_id"),
    Index("sources_by_state", "state", "id"),
    Index("sources_by_image", "image_id"),
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("file", Text, nullable=False),  # relative to originals/
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("format", Text, nullable=False),
    Column("width", Integer, nullable=False),  # pixels, orientation applied
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("phash", Text, nullable=False),  # 64-bit perceptual hash, 16 hex digits
    Column("dark_score", Float, nullable=False),  # quality scores: 0..1, low = suspicious
    Column("light_score", Float, nullable=False),
    Column("low_information_score", Float, nullable=False),
    Column("blurry_score", Float, nullable=False),
    Column("odd_aspect_ratio_score", Float, nullable=False),
    Column("grayscale_score", Float),  # 0 or 1
    Column("sharpness", Float),  # variance of the Laplacian; large = sharp, not bounded
    Column("measures_version", Integer, nullable=False, server_default="0"),
    Column("outlier_score", Float),  # 0..1, low = far from all others; from the last check
    Column("checked_with", Text),  # key of the backbone whose features the last check compared
    Column("group_id", Integer),  # near-duplicates share one: the smallest image id among them
    Column("split", Text),
    Column("added_at", Text, nullable=False),
    Index("images_by_group", "group_id"),
    Index("images_by_split", "split"),
)

tags = Table(
    "tags",
    metadata,
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("place", Integer, primary_key=True),  # 1..5, best first
    Column("name", Name, nullable=False),
    Column("probability", Float, nullable=False),  # of the 1,000 ImageNet classes, 0..1
    Index("tags_by_name", "name"),
)
