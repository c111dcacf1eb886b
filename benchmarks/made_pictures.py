"""Pictures that are made, to learn from: drawings, charts, screens, writing over a photograph.

Everything is drawn here, with the fonts of the machine; photographs are given. The same ``random``
draws the same.
"""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    Colour = tuple[int, int, int]

TEXT = (
    "sample preview stock photo image rights reserved studio gallery nature wild north river for "
    "sale free download new summer lake view archive press agency media print best price travel "
    "settings file edit help name date size open save cancel search home account total value user"
)
WORDS = TEXT.split()
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def fonts(families: Sequence[str]) -> list[str]:
    """The files of the machine's fonts whose path names one of ``families``."""
    listed = subprocess.run(["fc-list", ":", "file"], capture_output=True, text=True, check=True)
    files = (line.rstrip(": ") for line in listed.stdout.splitlines())
    wanted = (file for file in files if any(family in file for family in families))
    return sorted(file for file in wanted if file.endswith((".ttf", ".otf")))


def colour(random: Random) -> Colour:
    """Any colour."""
    return random.randint(0, 255), random.randint(0, 255), random.randint(0, 255)


def words(random: Random, least: int, most: int) -> str:
    """Some words, in whatever case."""
    text = " ".join(random.choice(WORDS) for _ in range(random.randint(least, most)))
    return random.choice((str.lower, str.upper, str.title, str.capitalize))(text)


def as_file(random: Random, image: Image.Image) -> Image.Image:
    """The picture as a JPEG file of some quality has it."""
    held = io.BytesIO()
    image.convert("RGB").save(held, "JPEG", quality=random.randint(45, 95))
    return Image.open(held).convert("RGB")


def photograph(random: Random, photographs: Sequence[Image.Image]) -> Image.Image:
    """A part of one of some photographs, in another scale, light and colour."""
    image = random.choice(photographs)
    share = random.uniform(0.35, 1.0)
    width, height = (max(40, int(side * share)) for side in image.size)
    left, top = random.randint(0, image.width - width), random.randint(0, image.height - height)
    image = image.crop((left, top, left + width, top + height))
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = kind(image).enhance(random.uniform(0.6, 1.4))
    if random.random() < 0.08:
        image = image.convert("L").convert("RGB")
    if random.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 2.5)))
    return image


def out_of_focus(random: Random) -> Image.Image:
    """Soft colours and noise, as a photograph has that shows nothing sharp."""
    small = Image.new("RGB", (random.randint(2, 12), random.randint(2, 12)))
    small.putdata([colour(random) for _ in range(small.width * small.height)])
    noise = Image.effect_noise((320, 240), random.uniform(5, 60)).convert("RGB")
    soft = small.resize((320, 240), Image.Resampling.BICUBIC)
    return Image.blend(soft, noise, random.uniform(0.02, 0.3))


def drawing(random: Random) -> Image.Image:
    """Lines, shapes and hatching in few colours on a plain ground."""
    ground = random.choice((WHITE, WHITE, WHITE, (245, 240, 225), colour(random)))
    image = Image.new("RGB", random.choice(((400, 300), (300, 400), (360, 360))), ground)
    pen, (width, height) = ImageDraw.Draw(image), image.size
    ink = (20, 20, 20) if sum(ground) > 300 else (240, 240, 240)
    palette = [colour(random) for _ in range(random.randint(2, 6))]
    fat, filled = random.randint(1, 5), random.random() < 0.6
    for _ in range(random.randint(4, 40)):
        x, y = random.uniform(0, width), random.uniform(0, height)
        a, b = random.uniform(8, width / 3), random.uniform(8, height / 3)
        fill = random.choice(palette) if filled and random.random() < 0.7 else None
        what = random.choice(("round", "corners", "arc", "scribble", "hatching"))
        if what == "round":
            pen.ellipse((x - a, y - b, x + a, y + b), outline=ink, width=fat, fill=fill)
        elif what == "corners":
            spread = [(x + random.uniform(-a, a), y + random.uniform(-b, b)) for _ in range(5)]
            pen.polygon(spread[: random.randint(3, 5)], outline=ink, fill=fill, width=fat)
        elif what == "arc":
            turn = random.uniform(0, 360)
            pen.arc((x - a, y - b, x + a, y + b), turn, turn + 200, fill=ink, width=fat)
        elif what == "scribble":
            points = [(x, y)]
            for _ in range(random.randint(4, 30)):
                step = random.uniform(-25, 25), random.uniform(-25, 25)
                points.append((points[-1][0] + step[0], points[-1][1] + step[1]))
            pen.line(points, fill=random.choice((ink, *palette)), width=fat, joint="curve")
        else:
            for line in range(random.randint(4, 15)):
                pen.line((x + 5 * line, y, x + 5 * line + a / 3, y + b / 2), fill=ink)
    return image


def traced(random: Random, photo: Image.Image) -> Image.Image:
    """A photograph made a drawing: by pencil, in ink, or in few flat colours."""
    image = photo.resize((360, 300))
    grey = ImageOps.grayscale(image)
    way = random.choice(("pencil", "ink", "flat", "comic"))
    if way == "pencil":
        soft = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(random.uniform(3, 9)))
        lines = ImageChops.add(grey, soft).convert("RGB")
        return ImageEnhance.Contrast(lines).enhance(random.uniform(1.2, 2.2))
    edges = grey.filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    lines = ImageOps.invert(edges).point(lambda v: 255 if v > 225 else max(0, v - 90))
    lines = lines.filter(ImageFilter.MinFilter(3)).convert("RGB")
    if way == "ink":
        return lines
    even = image.filter(ImageFilter.MedianFilter(random.choice((5, 7))))
    few = even.quantize(random.randint(4, 14)).convert("RGB").filter(ImageFilter.ModeFilter(5))
    flat = ImageEnhance.Color(few).enhance(random.uniform(0.8, 2))
    return flat if way == "flat" else ImageChops.multiply(flat, lines)


def _bars(random: Random, pen: ImageDraw.ImageDraw, box: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    number, tall = random.randint(3, 20), random.random() < 0.6
    palette = [colour(random) for _ in range(random.choice((1, 1, 4)))]
    for place in range(number):
        share, tone = random.uniform(0.05, 1), random.choice(palette)
        begin, end = (place + 0.1) / number, (place + 0.9) / number
        if tall:
            x0, x1 = left + (right - left) * begin, left + (right - left) * end
            pen.rectangle((x0, bottom - (bottom - top) * share, x1, bottom), fill=tone)
        else:
            y0, y1 = top + (bottom - top) * begin, top + (bottom - top) * end
            pen.rectangle((left, y0, left + (right - left) * share, y1), fill=tone)


def _curves(random: Random, pen: ImageDraw.ImageDraw, box: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    for _ in range(random.randint(1, 6)):
        value, points, tone = random.random(), [], colour(random)
        for step in range(40):
            value = min(1.0, max(0.0, value + random.gauss(0, 0.08)))
            points.append((left + (right - left) * step / 39, bottom - (bottom - top) * value))
        if random.random() < 0.3:
            pen.polygon([*points, (right, bottom), (left, bottom)], fill=tone)
        pen.line(points, fill=tone, width=random.randint(2, 7))


def _pie(random: Random, pen: ImageDraw.ImageDraw, box: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    half, middle = min(right - left, bottom - top) / 2, ((left + right) / 2, (top + bottom) / 2)
    round_ = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    turn, number = random.uniform(0, 360), random.randint(3, 12)
    for place in range(number):
        begin, end = turn + 360 * place / number, turn + 360 * (place + 1) / number
        pen.pieslice(round_, begin, end, fill=colour(random), outline=WHITE, width=3)


def _points(random: Random, pen: ImageDraw.ImageDraw, box: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    palette = [colour(random) for _ in range(random.randint(1, 4))]
    spots = [(random.uniform(left, right), random.uniform(top, bottom)) for _ in range(60)]
    if random.random() < 0.4:  # a network
        for _ in range(90):
            pen.line((*random.choice(spots), *random.choice(spots)), fill=(150, 150, 150), width=2)
    for x, y in spots:
        r = random.uniform(4, 20)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=random.choice(palette), outline=WHITE)


def _cells(random: Random, pen: ImageDraw.ImageDraw, box: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    number, tone = random.randint(3, 14), colour(random)
    wide, high = (right - left) / number, (bottom - top) / number
    for place in range(number * number):
        value = random.random()
        x, y = left + place % number * wide, top + place // number * high
        shade = tuple(int(255 + (part - 255) * value) for part in tone)
        pen.rectangle((x, y, x + wide, y + high), fill=shade)


CHARTS: tuple[Callable[[Random, ImageDraw.ImageDraw, tuple[int, ...]], None], ...]
CHARTS = (_bars, _curves, _pie, _points, _cells)


def chart(random: Random, faces: Sequence[str]) -> Image.Image:
    """A chart, mostly with axes, numbers and a title."""
    ground = random.choice((WHITE, WHITE, WHITE, (250, 250, 245), (30, 30, 40), (235, 235, 242)))
    ink = (30, 30, 30) if sum(ground) > 300 else (225, 225, 225)
    image = Image.new("RGB", random.choice(((800, 600), (720, 720), (960, 560))), ground)
    pen, (width, height) = ImageDraw.Draw(image), image.size
    box = (int(width * 0.1), int(height * 0.1), int(width * 0.95), int(height * 0.88))
    font = ImageFont.truetype(random.choice(faces), random.randint(16, 26))
    kind = random.choice(CHARTS)
    if random.random() < 0.5:
        for line in range(8):
            y = box[1] + (box[3] - box[1]) * line / 7
            pen.line((box[0], y, box[2], y), fill=(190, 190, 190), width=2)
    kind(random, pen, box)
    if kind is not _pie and random.random() < 0.75:
        pen.line((box[0], box[1], box[0], box[3], box[2], box[3]), fill=ink, width=3)
        for tick in range(6):
            x, y = box[0] + (box[2] - box[0]) * tick / 6, box[3] - (box[3] - box[1]) * tick / 6
            pen.text((x, box[3] + 4), str(10 * tick), font=font, fill=ink)
            pen.text((box[0] - 40, y - 10), str(tick), font=font, fill=ink)
    if random.random() < 0.5:
        pen.text((width * 0.25, 4), words(random, 1, 4), font=font, fill=ink)
    return image.resize((width // 2, height // 2), Image.Resampling.LANCZOS)


def diagram(random: Random, faces: Sequence[str]) -> Image.Image:
    """Boxes with words, joined by lines."""
    image = Image.new("RGB", (420, 320), random.choice((WHITE, (250, 250, 250), colour(random))))
    pen, last = ImageDraw.Draw(image), None
    font = ImageFont.truetype(random.choice(faces), random.randint(10, 18))
    for _ in range(random.randint(3, 10)):
        x, y = random.randint(10, 320), random.randint(10, 270)
        box = (x, y, x + random.randint(50, 110), y + 36)
        fill = random.choice((WHITE, colour(random)))
        pen.rounded_rectangle(box, random.choice((0, 8, 18)), fill=fill, outline=BLACK, width=2)
        pen.text((x + 6, y + 8), words(random, 1, 2), font=font, fill=BLACK)
        if last is not None:
            pen.line((*last, x, y + 18), fill=BLACK, width=random.randint(1, 3))
        last = (x + 40, y + 36)
    return image


def screen(random: Random, faces: Sequence[str], photographs: Sequence[Image.Image]) -> Image.Image:
    """A window or a phone's screen: a bar, and code, a table, text or cards with pictures."""
    dark = random.random() < 0.35
    ground = random.choice(((30, 30, 34), (40, 44, 52)) if dark else (WHITE, (246, 247, 249)))
    ink = (220, 220, 220) if dark else (40, 40, 40)
    image = Image.new("RGB", random.choice(((640, 400), (720, 450), (300, 560))), ground)
    pen, (width, height) = ImageDraw.Draw(image), image.size
    font = ImageFont.truetype(random.choice(faces), random.randint(9, 13))
    bar, accent = random.randint(18, 34), colour(random)
    pen.rectangle((0, 0, width, bar), fill=random.choice((accent, (60, 60, 60), (222, 222, 222))))
    pen.text((60, 5), words(random, 1, 4), font=font, fill=ink)
    left, y = 16, bar + 14.0
    if width > height and random.random() < 0.6:
        left = random.randint(110, 160)
        for line in range(random.randint(5, 14)):
            pen.text((12, y + 22 * line), words(random, 1, 2), font=font, fill=ink)
    kind = random.choice(("code", "table", "text", "cards"))
    columns = random.randint(3, 6)
    while y < height - 18:
        if kind == "cards":
            side = 90
            for x in range(left, width - side, side + 14):
                part = ImageOps.fit(random.choice(photographs), (side, 68))
                image.paste(part, (x, int(y)))
                pen.text((x, y + 72), words(random, 1, 2), font=font, fill=ink)
            y += 100
        elif kind == "table":
            for column in range(columns):
                x = left + column * (width - left) / columns
                pen.text((x, y), words(random, 1, 1), font=font, fill=ink)
            pen.line((left, y + 17, width - 10, y + 17), fill=(130, 130, 130))
            y += 21
        else:
            indent = 14 * random.randint(0, 3) if kind == "code" else 0
            tone = random.choice((ink, accent, (120, 170, 90))) if kind == "code" else ink
            line = words(random, 1, 6) if kind == "code" else words(random, 6, 14)
            while left + indent + font.getlength(line) > width - 10 and " " in line:
                line = line.rsplit(" ", 1)[0]
            pen.text((left + indent, y), line, font=font, fill=tone)
            y += 17
    return image


def written_over(random: Random, photo: Image.Image, faces: Sequence[str]) -> Image.Image:
    """A photograph with a watermark all over, one across it, or lines of writing."""
    image, side = photo.copy(), min(photo.size)
    kind = random.choice(("all over", "across", "lines"))
    high = {"all over": 0.08, "across": 0.15, "lines": 0.09}[kind] * random.uniform(0.7, 1.4)
    font = ImageFont.truetype(random.choice(faces), max(8, int(high * side)))
    fill = random.choice((WHITE, WHITE, BLACK, (255, 230, 0), colour(random)))
    text = words(random, 1, 3)
    box = font.getbbox(text)
    mask = Image.new("L", (int(box[2]) + 8, int(box[3]) + 8), 0)
    opacity = int(255 * random.uniform(0.4, 0.9))
    ImageDraw.Draw(mask).text((4, 4), text, font=font, fill=opacity)
    if kind == "lines":
        pen, y = ImageDraw.Draw(image), image.height * random.uniform(0.05, 0.4)
        for _ in range(random.randint(2, 6)):
            pen.text((image.width * 0.06, y), words(random, 1, 4), font=font, fill=fill)
            y += font.size * 1.3
        return image
    mask = mask.rotate(random.choice((0, 30, 45, -30, random.uniform(-60, 60))), expand=True)
    ink = Image.new("RGB", mask.size, fill)
    if kind == "across":
        spot = (image.width - mask.width) // 2, (image.height - mask.height) // 2
        image.paste(ink, spot, mask)
        return image
    for top in range(-mask.height // 2, image.height, int(mask.height * 1.3)):
        for left in range(-mask.width // 3, image.width, int(mask.width * 1.2)):
            image.paste(ink, (left, top), mask)
    return image
