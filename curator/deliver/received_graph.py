"""An ONNX file that anyone may have made, looked through before ONNX Runtime gets it.

A graph of ours is one line of standard operators with its weights inside. Everything else is
refused: weights in other files, which would be read from wherever the graph says; operators of
other domains, functions and parts that repeat or choose (a loop may run for ever). The file is
walked field by field (protobuf's wire format, and the field numbers of onnx.proto); weights are
stepped over, so that it takes milliseconds and needs no further package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from curator.errors import BundleInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FIELDS = 4_000_000  # a network of 1,000 layers has some 50,000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_STANDARD = (b"", b"ai.onnx")

# Field numbers of onnx.proto, by the message that they are of.
_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS = 5, 10
_ATTRIBUTE_SPARSE: Final = (22, 23)
_ATTRIBUTE_GRAPHS: Final = (6, 11)
_TENSOR_EXTERNAL, _TENSOR_PLACE = 13, 14

_Field = tuple[int, int, int, int]  # number, wire type, and where its content begins and ends


class _Refused(Exception):
    """What is wrong with the graph, in words that follow the name of its file."""


def check_graph(data: bytes, name: str) -> None:
    """Refuse a graph that is more than standard operators with their weights.

    ``name``: of the file, for the message. Raises :class:`BundleInvalid`.
    """
    try:
        _Walk(data).model()
    except (_Refused, IndexError) as error:
        problem = error if isinstance(error, _Refused) else "is no ONNX file, or was cut off"
        raise BundleInvalid(
            f"{name} {problem}.",
            "Use a model from somebody whom you know, exported by `curator export-model`.",
        ) from error


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._fields = 0

    def model(self) -> None:
        graphs = 0
        for number, wire, start, end in self._message(0, len(self._data)):
            if number in {_MODEL_FUNCTIONS, _MODEL_TRAINING}:
                raise _Refused("defines operators of its own")
            if number == _MODEL_GRAPH:
                graphs += 1
                self._graph(self._inside(wire, start), end)
        if graphs != 1:
            raise _Refused("is no ONNX file: it has no graph, or several")

    def _graph(self, start: int, end: int) -> None:
        for number, wire, begin, stop in self._message(start, end):
            if number == _GRAPH_NODE:
                self._node(self._inside(wire, begin), stop)
            elif number == _GRAPH_INITIALIZER:
                self._tensor(self._inside(wire, begin), stop)
            elif number == _GRAPH_SPARSE:
                raise _Refused("holds sparse weights, which no model of ours has")

    def _node(self, start: int, end: int) -> None:
        operator = b""
        for number, wire, begin, stop in self._message(start, end):
            if number == _NODE_OPERATOR:
                operator = self._data[self._inside(wire, begin) : stop]
            elif number == _NODE_DOMAIN:
                domain = self._data[self._inside(wire, begin) : stop]
                if domain not in _STANDARD:
                    said = f"{domain[:40]!r}, {operator[:40]!r}"
                    raise _Refused(f"needs an operator that is not of the ONNX standard: {said}")
            elif number == _NODE_ATTRIBUTE:
                self._attribute(self._inside(wire, begin), stop)

    def _attribute(self, start: int, end: int) -> None:
        for number, wire, begin, stop in self._message(start, end):
            if number in _ATTRIBUTE_GRAPHS:
                raise _Refused("holds loops or choices, which no model of ours has")
            if number in _ATTRIBUTE_SPARSE:
                raise _Refused("holds sparse weights, which no model of ours has")
            if number in {_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS}:
                self._tensor(self._inside(wire, begin), stop)

    def _tensor(self, start: int, end: int) -> None:
        for number, wire, begin, _stop in self._message(start, end):
            stored_here = wire == _VARINT and self._varint(begin)[0] == 0
            if number == _TENSOR_EXTERNAL or (number == _TENSOR_PLACE and not stored_here):
                raise _Refused("takes weights from another file")

    def _message(self, place: int, end: int) -> Iterator[_Field]:
        """The fields of the message between two places."""
        while place < end:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise _Refused(f"has more than the {MOST_FIELDS:,} parts that are read")
            key, begin = self._varint(place)
            number, wire = key >> 3, key & 7
            if wire == _VARINT:
                place = self._varint(begin)[1]
            elif wire == _BYTES:
                size, begin = self._varint(begin)
                place = begin + size
            elif wire in {_FIXED32, _FIXED64}:
                place = begin + (4 if wire == _FIXED32 else 8)
            else:
                raise _Refused("is no ONNX file")
            if place > end or not 0 < number < 1 << 29:
                raise _Refused("is no ONNX file, or was cut off")
            yield number, wire, begin, place

    def _varint(self, place: int) -> tuple[int, int]:
        """A number and where it ends; it has 10 bytes at the most."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self._data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place
        raise _Refused("is no ONNX file")

    @staticmethod
    def _inside(wire: int, start: int) -> int:
        """Where a message begins; a field that should hold one may be none."""
        if wire != _BYTES:
            raise _Refused("is no ONNX file")
        return start
