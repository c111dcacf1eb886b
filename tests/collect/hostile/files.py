"""Files as the web serves them: sound, odd, broken and malicious, by the path they are served at.

Each is small, however much it costs to decode. ``WANTED`` are good images, kept byte for byte;
why each of ``UNWANTED`` is refused stands in :mod:`tests.collect.hostile.table`.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, ImageSequence

PAGE = b"<!DOCTYPE html><html><body>Not found, but status 200</body></html>"
DRAWING = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'


def picture(
    width: int = 60, height: int = 40, file_format: str = "JPEG", mode: str = "RGB", **save: Any
) -> bytes:
    """Encode an image with some structure, the same for the same arguments."""
    across = Image.linear_gradient("L").resize((width, height))
    down = Image.radial_gradient("L").resize((width, height))
    image = Image.merge("RGB", (across, down, across.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    packed = io.BytesIO()
    image.convert(mode).save(packed, file_format, **save)
    return packed.getvalue()


def animation(file_format: str = "GIF", frames: int = 2) -> bytes:
    """Encode an animation of red and blue frames, the first one red."""
    images = [Image.new("RGB", (30, 20), ("red", "blue")[n % 2]) for n in range(frames)]
    packed = io.BytesIO()
    images[0].save(packed, file_format, save_all=True, append_images=images[1:])
    return packed.getvalue()


def rotated() -> bytes:
    """Encode a JPEG of 60 x 40 whose EXIF data says: turn me by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(exif=exif)


def png(
    width: int, height: int, pixels: bytes, *more: tuple[bytes, bytes], bits: int = 8, kind: int = 2
) -> bytes:
    """Make a PNG from its header, raw scan lines, and chunks to put before these.

    ``kind`` is PNG's colour type: 0 grey, 2 RGB, 3 palette, 6 RGBA.
    """

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Make the beginning of a PNG that claims enormous dimensions."""
    return png(width, height, bytes(1000))


def text_bomb(name: bytes) -> bytes:
    """Make a good PNG with a compressed text or profile of 5 MB."""
    start = b"key\0\1\0\0\0" if name == b"iTXt" else b"key\0\0"
    return png(32, 32, _lines(32, 32), (name, start + zlib.compress(bytes(5_000_000), 9)))


def swollen() -> bytes:
    """Make a good PNG whose compressed pixels go on for 5 MB more."""
    return png(32, 32, _lines(32, 32) + bytes(5_000_000))


def _lines(width: int, height: int) -> bytes:
    return (b"\0" + bytes(range(3 * width))) * height


def many_scans(count: int = 5_000) -> bytes:
    """Make a progressive JPEG of 640,000 pixels that passes over them ``count`` times."""
    packed = io.BytesIO()
    Image.new("L", (1000, 640), 128).save(packed, "JPEG", progressive=True)
    data = packed.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + data[-2:]


def with_exif(content: bytes) -> bytes:
    """Make a good JPEG with a block of EXIF data that holds ``content``."""
    good = picture()
    block = b"Exif\0\0" + content
    return good[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + good[2:]


def tiff(*tags: tuple[int, int, int, int], following: int = 0) -> bytes:
    """Make a grey TIFF of 20 x 20 with further tags: (tag, type, count, value).

    ``following``: where the next directory is said to be; the first one is at 408.
    """
    known = [
        (256, 4, 1, 20),  # width
        (257, 4, 1, 20),  # height
        (258, 3, 1, 8),  # bits
        (259, 3, 1, 1),  # no compression
        (262, 3, 1, 1),  # black is zero
        (273, 4, 1, 8),  # where the pixels are
        (277, 3, 1, 1),  # one channel
        (278, 4, 1, 20),  # rows in a strip
        (279, 4, 1, 400),  # bytes in a strip
    ]
    entries = sorted({tag[0]: tag for tag in (*known, *tags)}.values())
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    pixels = bytes(range(200)) * 2
    return b"II*\0" + struct.pack("<I", 408) + pixels + directory + struct.pack("<I", following)


def gif_frame_beyond(width: int, height: int) -> bytes:
    """Make a GIF of 20 x 20 whose first frame claims to be larger than the whole."""
    data = bytearray(picture(20, 20, "GIF"))
    place = data.index(b"\x2c\0\0\0\0")
    data[place + 5 : place + 9] = struct.pack("<HH", width, height)
    return bytes(data)


def gif_screen(width: int, height: int) -> bytes:
    """Make a GIF whose screen claims to be of that size."""
    data = picture(20, 20, "GIF")
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def top_down_bmp(height: int = -40) -> bytes:
    """Make a BMP of 60 x 40 whose height is negative: its first line is the top one."""
    data = picture(file_format="BMP")
    return data[:22] + struct.pack("<i", height) + data[26:]


def with_archive() -> bytes:
    """Make a good JPEG that is a good ZIP archive as well."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../escape.txt", "out")
    return picture() + packed.getvalue()


def multi_picture() -> bytes:
    """Encode a JPEG of two pictures, as some cameras write it."""
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")
    packed = io.BytesIO()
    first.save(packed, "MPO", save_all=True, append_images=[second])
    assert len(list(ImageSequence.Iterator(Image.open(packed)))) == 2
    return packed.getvalue()


#: Images that are kept, by path.
WANTED = {
    "/good.jpg": picture(),
    "/good.png": picture(file_format="PNG"),
    "/good.webp": picture(file_format="WEBP"),
    "/good.gif": picture(file_format="GIF"),
    "/good.bmp": picture(file_format="BMP"),
    "/good.tiff": picture(file_format="TIFF"),
    "/good.ppm": picture(file_format="PPM"),
    **({"/good.avif": picture(file_format="AVIF")} if "AVIF" in Image.SAVE else {}),
    "/animated.gif": animation(),
    "/animated.webp": animation("WEBP"),
    "/animated.png": animation("PNG"),
    "/frames.gif": animation(frames=1_000),
    "/cmyk.jpg": picture(mode="CMYK"),
    "/progressive.jpg": picture(progressive=True),
    "/deep.png": picture(file_format="PNG", mode="I;16"),
    "/palette.png": picture(file_format="PNG", mode="P", transparency=b"\0\x80\xff"),
    "/several.jpg": multi_picture(),
    "/rotated.jpg": rotated(),
    "/archive.jpg": with_archive(),
    "/page-behind.jpg": picture() + PAGE,
    "/comment.jpg": picture(comment=PAGE),
    "/bad-exif.jpg": with_exif(b"II*\0\xff\xff\xff\xff" + bytes(20)),
    "/exif-circle.jpg": with_exif(
        b"II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    ),
    "/swollen.png": swollen(),
    "/top-down.bmp": top_down_bmp(),
    "/tiff-circle.tiff": tiff(following=408),
    "/tiff-exif-circle.tiff": tiff((0x8769, 4, 1, 408)),
}

#: Files that are refused, by path.
UNWANTED = {
    "/page.jpg": PAGE,
    "/page-fragment.jpg": b"\xef\xbb\xbf\r\n<script>location='/login'</script>",
    "/text.jpg": b"nothing here",
    "/json.jpg": b'{"error": "not found"}',
    "/movie.jpg": b"\0\0\0\x18ftypisom" + bytes(200),
    "/document.jpg": b"%PDF-1.7\n",
    "/zero.jpg": b"",
    "/pixel.gif": picture(1, 1, "GIF"),
    "/line.png": picture(500, 2, "PNG"),
    "/bomb.png": bomb(),
    "/text-bomb.png": text_bomb(b"zTXt"),
    "/text-bomb-2.png": text_bomb(b"iTXt"),
    "/profile-bomb.png": text_bomb(b"iCCP"),
    "/many-scans.jpg": many_scans(),
    "/screen.gif": gif_screen(65_535, 65_535),
    "/frame.gif": gif_frame_beyond(65_535, 65_535),
    "/top-down-bomb.bmp": top_down_bmp(-(2**31)),
    "/tiff-tag.tiff": tiff((273, 4, 0xFFFFFFFF, 8)),
    "/tiff-strip.tiff": tiff((257, 4, 1, 2_000_000_000)),
    "/truncated.jpg": picture(400, 300)[:2000],
    "/truncated.png": picture(400, 300, "PNG")[:2000],
    "/truncated.webp": picture(400, 300, "WEBP")[:900],
    "/truncated.gif": picture(400, 300, "GIF")[:2000],
    **({"/truncated.avif": picture(400, 300, "AVIF")[:400]} if "AVIF" in Image.SAVE else {}),
    "/truncated.tiff": picture(400, 300, "TIFF")[:2000],
    "/drawing.svg": DRAWING,
    "/drawing-behind.svg": b"<?xml version='1.0'?><!--" + b"x" * 2000 + b"--><svg></svg>",
    "/icon.ico": picture(32, 32, "ICO"),
    "/photo.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "/jpeg2000.jp2": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "/layers.psd": b"8BPS\0\1" + bytes(100),
    "/packed.jpg": gzip.compress(picture()),
    "/empty-picture.png": png(0, 0, b""),
}

BODIES = WANTED | UNWANTED
