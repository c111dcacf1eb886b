"""Tables of the data set as it was once, and as others see it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from curator.store.schema.base import Integer, Name, Text, metadata

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("images", Integer, nullable=False),
    Column("data_sha256", Text, nullable=False),  # of its contents, labels, splits and decisions
    Column("manifest_sha256", Text, nullable=False),  # of the file that its exports hold
    Column("facts", Text, nullable=False),  # JSON: what its card says beyond its images
    Index("versions_by_data", "data_sha256"),
)

version_images = Table(
    "version_images",
    metadata,
    Column("version_id", ForeignKey("versions.id"), primary_key=True),
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),  # the first one, then
    Column("label", Text, nullable=False),  # as the classes were called then
    Column("given_label", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("decision", Text, nullable=False),
)

recipes = Table(
    "recipes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),  # of the file
    Column("name", Text, nullable=False),  # of the project that it was written from
    Column("at", Text, nullable=False),  # when it was taken in, and by whom
    Column("by", Text, nullable=False),
)

opinions = Table(
    "opinions",
    metadata,
    Column("recipe_id", ForeignKey("recipes.id"), primary_key=True),
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("batch", Integer, nullable=False),  # the act that heard it
    Column("at", Text, nullable=False),  # of the decision, and who took it
    Column("by", Text, nullable=False),
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("state", Text, nullable=False),
    # Whom it contradicts; None: nobody.
    Column("other_by", Text),
    Column("other_class_id", ForeignKey("classes.id")),
    Column("other_state", Text),
    Index("opinions_by_image", "image_id"),
)
