"""The feature cache under kills, other writers and altered files; extraction."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curator.encode.extract import extract
from curator.encode.feature_cache import FeatureCache
from curator.encode.preprocess import TINY_DIMENSION
from curator.errors import DataError, InputError, JobCancelled

REPOSITORY = Path(__file__).resolve().parents[2]
DIMENSION = 64


def digest(number: int) -> str:
    """A SHA-256 that stands for an image."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def row(number: int) -> np.ndarray:
    """The only right row for ``digest(number)``."""
    return np.full(DIMENSION, number, np.float32)


def fill(cache: FeatureCache, numbers: list[int]) -> None:
    """Append the rows of ``numbers``."""
    rows = np.stack([row(n) for n in numbers]) if numbers else np.empty((0, DIMENSION), np.float32)
    cache.append([digest(n) for n in numbers], rows)


WRITER = """
import sys, pathlib
from tests.encode.test_feature_cache import *
cache = FeatureCache(pathlib.Path(sys.argv[1]), "key", DIMENSION)
first, last = int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
for start in range(first, last, 7):
    fill(cache, list(range(start, start + 7)))
"""


def start_writer(folder: Path, first: int, last: int) -> subprocess.Popen[str]:
    """A process that appends rows first..last-1, seven at a time."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first), str(last)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def check_every_row(folder: Path) -> int:
    """Every digest in the cache has its own row; returns how many."""
    cache = FeatureCache(folder, "key", DIMENSION)
    assert cache.check([digest(n) for n in range(3000)]) == 0
    lacking = set(cache.missing([digest(n) for n in range(3000)]))
    known = [n for n in range(3000) if digest(n) not in lacking]
    rows = cache.rows([digest(n) for n in known])
    for number, found in zip(known, rows, strict=True):
        np.testing.assert_array_equal(found, row(number))
    assert len(known) == len(cache)
    return len(known)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=6))
def test_what_goes_in_comes_out(batches, tmp_path_factory):
    """After any appends, with repeats, each digest gives its row, also in a new object."""
    folder = tmp_path_factory.mktemp("cache")
    cache = FeatureCache(folder, "key", DIMENSION)
    for numbers in batches:
        fill(cache, numbers)
    given_numbers = sorted({n for numbers in batches for n in numbers})
    for each in (cache, FeatureCache(folder, "key", DIMENSION)):
        asked = [digest(n) for n in given_numbers]
        expected = np.array([row(n) for n in given_numbers], np.float32).reshape(-1, DIMENSION)
        np.testing.assert_array_equal(each.rows(asked), expected)
        assert each.missing([digest(40), digest(41), digest(40), *asked]) == [
            digest(40),
            digest(41),
        ]


def test_keys_and_layouts_do_not_mix(tmp_path):
    """Another key is another folder, another dimension under the same key starts anew."""
    fill(FeatureCache(tmp_path, "a/b", DIMENSION), [1])
    assert len(FeatureCache(tmp_path, "c", DIMENSION)) == 0
    assert len(FeatureCache(tmp_path, "a/b", DIMENSION)) == 1
    assert len(FeatureCache(tmp_path, "a/b", DIMENSION + 1)) == 0


def test_missing_rows_and_wrong_shapes(tmp_path):
    """A digest without features, rows that do not fit and a bad digest are named errors."""
    cache = FeatureCache(tmp_path, "key", DIMENSION)
    fill(cache, [1])
    with pytest.raises(DataError, match="1 of 2 images have no features"):
        cache.rows([digest(1), digest(2)])
    with pytest.raises(InputError, match="float64"):
        cache.append([digest(3)], np.zeros((1, DIMENSION)))
    with pytest.raises(InputError, match="64 hex digits"):
        cache.missing(["abc"])


@pytest.mark.parametrize("torn", [1, 31])
def test_torn_ends_are_overwritten(tmp_path, torn):
    """Rows without a digest and a torn digest are ignored, and the next append goes over them."""
    cache = FeatureCache(tmp_path, "key", DIMENSION)
    fill(cache, [1, 2])
    with (cache.folder / "rows.bin").open("ab") as stream:
        stream.write(b"\xff" * 1000)
    with (cache.folder / "index.bin").open("ab") as stream:
        stream.write(b"\xff" * torn)
    again = FeatureCache(tmp_path, "key", DIMENSION)
    assert len(again) == 2
    fill(again, [3])
    assert check_every_row(tmp_path) == 3


def test_altered_files_are_set_aside(tmp_path, caplog):
    """More digests than rows: the cache says so, starts empty and works."""
    cache = FeatureCache(tmp_path, "key", DIMENSION)
    fill(cache, [1, 2, 3])
    data = cache.folder / "rows.bin"
    data.write_bytes(data.read_bytes()[:-1])
    again = FeatureCache(tmp_path, "key", DIMENSION)
    assert len(again) == 0
    assert "3 entries but only 2 rows" in caplog.text
    assert cache.missing([digest(1)]) == [digest(1)]
    fill(again, [4])
    assert check_every_row(tmp_path) == 1
    later = FeatureCache(tmp_path, "key", DIMENSION)
    assert "3 entries but only 2 rows" in (later.take_damage() or "")
    assert later.take_damage() is None
    assert sorted(path.name for path in cache.folder.iterdir()) == [
        "cache.lock",
        "index.bin",
        "rows.bin",
    ]


def test_another_process_that_starts_anew_is_noticed(tmp_path):
    """Files that were set aside and refilled beyond what this object knew mislead it nowhere."""
    cache = FeatureCache(tmp_path, "key", DIMENSION)
    fill(cache, [1, 2])
    (cache.folder / "rows.bin").write_bytes(b"")
    fill(FeatureCache(tmp_path, "key", DIMENSION), [7, 8, 9])
    assert cache.missing([digest(n) for n in (1, 7)]) == [digest(1)]
    np.testing.assert_array_equal(cache.rows([digest(8)])[0], row(8))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.floats(0, 0.999999), bit=st.integers(0, 7), which=st.sampled_from(["rows", "index"])
)
def test_any_flipped_bit_costs_one_row(place, bit, which, tmp_path_factory):
    """Wherever a bit flips, no wrong row is ever given out, and computing again mends it."""
    folder = tmp_path_factory.mktemp("cache")
    fill(FeatureCache(folder, "key", DIMENSION), [1, 2, 3, 4])
    file = folder / "key" / f"{which}.bin"
    data = bytearray(file.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    file.write_bytes(data)
    again = FeatureCache(folder, "key", DIMENSION)
    digests = [digest(n) for n in (1, 2, 3, 4)]
    forgotten = again.check(digests)
    missing = [n for n in (1, 2, 3, 4) if digest(n) in again.missing(digests)]
    in_header = which == "index" and int(place * len(data)) < 32
    assert missing == [1, 2, 3, 4] if in_header else len(missing) == 1
    assert (again.take_damage() is not None) == in_header
    assert forgotten in {0, 1}
    fill(again, missing)
    for each in (again, FeatureCache(folder, "key", DIMENSION)):
        assert each.check(digests) == 0
        np.testing.assert_array_equal(each.rows(digests), np.stack([row(n) for n in (1, 2, 3, 4)]))


def test_rows_need_no_memory_of_their_own(tmp_path):
    """In file order they come as a memory map; in any order they go into a map that is given."""
    cache = FeatureCache(tmp_path / "cache", "key", DIMENSION)
    fill(cache, list(range(10)))
    seen = cache.rows([digest(n) for n in range(3, 9)], view=True)
    assert isinstance(seen, np.memmap)
    assert not seen.flags.writeable
    np.testing.assert_array_equal(seen, np.stack([row(n) for n in range(3, 9)]))
    mixed = [4, 2, 2, 9]
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.float32, (4, DIMENSION))
    assert np.shares_memory(cache.rows([digest(n) for n in mixed], out=out), out)
    np.testing.assert_array_equal(out, np.stack([row(n) for n in mixed]))
    np.testing.assert_array_equal(cache.rows([digest(n) for n in mixed], view=True), out)


@pytest.mark.slow
def test_kills_leave_a_sound_cache(tmp_path):
    """A writer killed (-9) amid its appends leaves whole rows only, and the next one goes on."""
    counts = []
    for attempt in range(4):
        writer = start_writer(tmp_path, attempt * 700, attempt * 700 + 700)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(0.011 * attempt + 0.005)
        rows = tmp_path / "key" / "rows.bin"
        while attempt == 3 and not (rows.exists() and rows.stat().st_size):
            time.sleep(0.001)  # on a busy machine nothing may have been written before a kill
        writer.kill()
        writer.communicate()
        counts.append(check_every_row(tmp_path) if (tmp_path / "key").exists() else 0)
        assert FeatureCache(tmp_path, "key", DIMENSION).take_damage() is None
    assert counts == sorted(counts)
    assert counts[-1] > 0


@pytest.mark.slow
def test_two_writers(tmp_path):
    """Two processes with overlapping rows both finish, and each row is there once."""
    writers = [start_writer(tmp_path, 0, 350), start_writer(tmp_path, 175, 525)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert check_every_row(tmp_path) == 525
    size = (tmp_path / "key" / "rows.bin").stat().st_size
    assert size == 525 * DIMENSION * 4


class Caches:
    """Both caches of an extraction."""

    def __init__(self, folder: Path, encoder) -> None:
        self.features = FeatureCache(folder, encoder.backbone.key, 1280)
        self.tiny = FeatureCache(folder, "tiny", TINY_DIMENSION, "uint8")


@pytest.mark.slow
def test_extract_encodes_what_is_missing(tmp_path, bears, encoder, monkeypatch):
    """Each image is encoded once; broken files are reported and the others go on."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nonsense")
    gone = tmp_path / "gone.jpg"
    items = [*bears[:20], (digest(1), broken), bears[3], (digest(2), gone)]
    encoded = []
    whole = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda batch: encoded.append(len(batch)) or whole(batch))
    caches = Caches(tmp_path / "cache", encoder)
    seen: list[int] = []
    failed = extract(items, caches.features, caches.tiny, encoder, seen.append, batch=8)
    assert [sha256 for sha256, _ in failed] == [digest(1), digest(2)]
    assert "broken.jpg" in failed[0][1]
    assert "gone.jpg" in failed[1][1]
    assert sum(encoded) == 20
    assert seen == [0, 8, 16, 22]
    assert caches.tiny.rows([bears[0][0]]).shape == (1, 3072)
    extract(items[:20], caches.features, caches.tiny, encoder, seen.append)
    assert sum(encoded) == 20
    assert seen[-1] == 20


def test_a_cancelled_extract_keeps_what_it_has(tmp_path, bears, encoder):
    """Cancelled after two batches, those two stay; the next call does the rest."""
    caches = Caches(tmp_path, encoder)
    asked = []
    items = bears[:12]
    with pytest.raises(JobCancelled, match="after 8 of 12"):
        extract(
            items,
            caches.features,
            caches.tiny,
            encoder,
            cancelled=lambda: asked.append(1) or len(asked) > 2,
            batch=4,
        )
    assert len(caches.features) == len(caches.tiny) == 8
    extract(items, caches.features, caches.tiny, encoder)
    assert len(caches.features) == 12


@pytest.mark.slow
def test_mirrored_images_are_encoded_beside_the_plain_ones(tmp_path, bears, encoder):
    """Their features are those of the mirrored pixels; what is there already is not redone."""
    from curator.encode.preprocess import prepare_image
    from curator.imaging.decoding import decode

    caches = Caches(tmp_path, encoder)
    flipped = FeatureCache(tmp_path, "flip", 1280)
    items = bears[:6]
    extract(items[:2], caches.features, caches.tiny, encoder)
    extract(items, caches.features, caches.tiny, encoder, flip_cache=flipped)
    digests = [sha256 for sha256, _ in items]
    assert len(caches.features) == len(flipped) == 6
    pixels = np.stack(
        [prepare_image(decode(file, 256), encoder.backbone)[:, :, ::-1] for _, file in items]
    )
    np.testing.assert_allclose(flipped.rows(digests), encoder.encode(pixels), atol=1e-4)
    assert np.abs(flipped.rows(digests) - caches.features.rows(digests)).max() > 0.1
