"""Parquet tables as lists.

Three megabytes can hold a hundred million rows, or one text a million times, so what the file says
of its own sizes is looked at before anything is unpacked, and what comes out is counted as well.
Only the column of addresses is read, a small batch at a time; repeated texts stay one text.
"""

from __future__ import annotations

import io
from typing import Any

from curator.collect.lists.caps import check_bytes, check_rows
from curator.collect.lists.found import Collector
from curator.collect.lists.tables import named, no_column, take_cell
from curator.errors import BadList

_BATCH = 256  # rows whose repeated texts are one text
_SMALL_BATCH = 16  # rows that are unpacked each by itself
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_PLAIN = {"PLAIN", "RLE", "BIT_PACKED"}


def read_parquet(data: bytes, collector: Collector) -> None:
    """Hand the column ``url`` on, by row.

    Raises BadList when it is missing, unreadable, or beyond :mod:`curator.collect.lists.caps`.
    """
    # Imported here: slow, and rarely needed.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(io.BytesIO(data)) as table:
            names = table.schema_arrow.names
            position = named(names)
            if position is None:
                raise no_column(names)
            name, kind = names[position], table.schema_arrow.types[position]
            encodings = _check_sizes(table.metadata, name)
        if pa.types.is_nested(kind):
            raise BadList(
                f"The column {name!r} holds {str(kind)[:50]}, no text.",
                "Give one address a row, as text.",
            )
        # Other encodings than these cannot be read as a dictionary.
        shares = bool(encodings & _DICTIONARIES) and encodings <= _DICTIONARIES | _PLAIN
        shared, most = ([name], _BATCH) if shares else ([], _SMALL_BATCH)
        with pq.ParquetFile(io.BytesIO(data), read_dictionary=shared) as table:
            row = size = 0
            for batch in table.iter_batches(most, columns=[name], use_threads=False):
                for cell in batch.column(0):
                    row += 1
                    value = cell.as_py()
                    if value is None or isinstance(value, str):
                        size += len(value or "")
                        check_bytes(size, "Unpacked, the addresses have at least")
                        take_cell(value or "", row, collector)
                    else:
                        collector.refuse(row, str(value), "Its `url` is no text.")
                    check_rows(row)
    except MemoryError as error:
        raise BadList(
            "The Parquet table unpacks to more than fits into the memory.",
            "Give the list as CSV or text.",
        ) from error
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadList(
            f"The content is no readable Parquet table: {str(error)[:200]}.",
            "Write the file again, or give the list as CSV or text.",
        ) from error


def _check_sizes(metadata: Any, name: str) -> set[str]:
    """By the file's own figures: rows, and values and bytes of the column of addresses.

    Returns the encodings of that column.
    """
    encodings: set[str] = set()
    check_rows(metadata.num_rows)
    values = size = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            column = group.column(place)
            if column.path_in_schema == name or column.path_in_schema.startswith(f"{name}."):
                values += column.num_values
                encodings.update(column.encodings)
                size += column.total_uncompressed_size
    check_rows(values, "addresses")
    check_bytes(size, "Unpacked, the addresses have")
    return encodings
