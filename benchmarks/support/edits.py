"""Edits that people make to a picture before they spread it, in 18 groups.

Each edit takes a photo, another photo for collages, and a random generator: sizes are drawn from
ranges, so that no size is hit by design.
"""

import io
import math
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Edit = Callable[[Image.Image, Image.Image, np.random.Generator], Image.Image]
Colour = tuple[int, int, int]

BICUBIC = Image.Resampling.BICUBIC
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
INK, GREY, PAPER, NIGHT = (20, 20, 24), (140, 142, 148), (250, 250, 250), (18, 18, 20)
WORDS = (
    "look at this", "who is it?", "sent from my phone", "2 hours ago", "Reply", "Like", "Share",
    "follow for more", "do not repost", "wow", "just now", "View all comments", "Today 21:47",
)  # fmt: skip


# --- re-encoding ------------------------------------------------------------------------------


def jpeg(quality: int) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
        return _encoded(photo, "JPEG", quality)

    return edit


def webp(quality: int) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
        return _encoded(photo, "WEBP", quality)

    return edit


def resized(low: float, high: float) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        return _scaled(photo, rng.uniform(low, high))

    return edit


def squashed(low: float, high: float) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        return photo.resize((round(photo.width * rng.uniform(low, high)), photo.height), BICUBIC)

    return edit


def palette(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
    return photo.quantize(64).convert("RGB")


# --- filters ----------------------------------------------------------------------------------


def enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance], low: float, high: float) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        return kind(photo).enhance(rng.uniform(low, high))

    return edit


def gamma(low: float, high: float) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        power = rng.uniform(low, high)
        return photo.point([round(255 * (value / 255) ** power) for value in range(256)] * 3)

    return edit


def greyscale(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
    return ImageOps.grayscale(photo).convert("RGB")


def warm(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
    return Image.blend(photo, Image.new("RGB", photo.size, (240, 160, 60)), 0.2)


def negative(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
    return ImageOps.invert(photo)


# --- blur and noise ---------------------------------------------------------------------------


def blurred(low: float, high: float) -> Edit:
    """Blur by a fraction of the width."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        return photo.filter(ImageFilter.GaussianBlur(photo.width * rng.uniform(low, high)))

    return edit


def noisy(low: float, high: float) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        noise = rng.normal(0, rng.uniform(low, high), (photo.height, photo.width, 3))
        return Image.fromarray(np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8))

    return edit


def pixelated(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = _scaled(photo, rng.uniform(64, 128) / photo.width)
    return small.resize(photo.size, Image.Resampling.NEAREST)


# --- mirror and turns -------------------------------------------------------------------------


def transposed(how: Image.Transpose) -> Edit:
    def edit(photo: Image.Image, _: Image.Image, __: np.random.Generator) -> Image.Image:
        return photo.transpose(how)

    return edit


# --- crops ------------------------------------------------------------------------------------


def cropped(
    left: tuple[float, float],
    top: tuple[float, float],
    right: tuple[float, float],
    bottom: tuple[float, float],
) -> Edit:
    """Cut off a fraction of each side, drawn from a range; the same fraction for equal ranges."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        drawn = {each: rng.uniform(*each) for each in (left, top, right, bottom)}
        width, height = photo.size
        return photo.crop(
            (
                round(width * drawn[left]),
                round(height * drawn[top]),
                width - round(width * drawn[right]),
                height - round(height * drawn[bottom]),
            )
        )

    return edit


def random_crop(kept: float) -> Edit:
    """Keep so much of the area, anywhere."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        width = photo.width * math.sqrt(kept) * rng.uniform(0.95, 1 / 0.95)
        height = photo.width * photo.height * kept / width
        return _window(photo, min(width, photo.width), min(height, photo.height), rng.random(2))

    return edit


def aspect(ratio: float, where: float = 0.5) -> Edit:
    """Cut to a ratio of width to height, at a place between the edges (0 to 1)."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        wanted = ratio
        if 0.97 < photo.width / photo.height / wanted < 1.03:
            wanted = ratio * 0.8
        width = min(photo.width, photo.height * wanted)
        place = where if where == 0.5 else rng.uniform(0.0, 0.25)
        return _window(photo, width, width / wanted, (place, place))

    return edit


# --- bars and borders -------------------------------------------------------------------------


def padded(
    left: tuple[float, float], top: tuple[float, float], colour: Colour, bottom: bool = True
) -> Edit:
    """Add bars of a fraction of the width or height on both sides."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        across, down = rng.uniform(*left), rng.uniform(*top)
        x, y = round(photo.width * across), round(photo.height * down)
        canvas = Image.new(
            "RGB", (photo.width + 2 * x, photo.height + (2 if bottom else 1) * y), colour
        )
        canvas.paste(photo, (x, y))
        return canvas

    return edit


def blurred_fill(ratio: float) -> Edit:
    """Put a photo before an enlarged, blurred copy of itself, as story editors do."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        if photo.width / photo.height > ratio:
            size = photo.width, round(photo.width / ratio)
        else:
            size = round(photo.height * ratio), photo.height
        canvas = ImageOps.fit(photo, size, BICUBIC)
        canvas = canvas.filter(ImageFilter.GaussianBlur(size[0] * rng.uniform(0.02, 0.05)))
        canvas.paste(photo, ((size[0] - photo.width) // 2, (size[1] - photo.height) // 2))
        return canvas

    return edit


def rounded(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    mask = Image.new("L", photo.size, 0)
    radius = round(min(photo.size) * rng.uniform(0.04, 0.12))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *photo.size), radius, fill=255)
    return Image.composite(photo, Image.new("RGB", photo.size, WHITE), mask)


def polaroid(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = round(photo.width * rng.uniform(0.04, 0.07))
    canvas = Image.new("RGB", (photo.width + 2 * side, photo.height + 5 * side), (246, 244, 238))
    canvas.paste(photo, (side, side))
    return canvas


# --- screenshots ------------------------------------------------------------------------------


def viewer(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a phone's picture viewer: dark, with the photo across the screen."""
    canvas, draw = _screen(1080, 2160, BLACK)
    shown = _fitted(photo, 1080, 1600)
    canvas.paste(shown, ((1080 - shown.width) // 2, (2160 - shown.height) // 2))
    _status_bar(draw, 1080, WHITE)
    _icons(draw, 2060, 5, WHITE, rng)
    _text(draw, (48, 110), "IMG_2047.JPG", 40, WHITE)
    return canvas


def feed(dark: bool) -> Edit:
    """Draw a social network's feed, with one post."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        ink, paper = (WHITE, NIGHT) if dark else (INK, PAPER)
        canvas, draw = _screen(1080, 2160, paper)
        _status_bar(draw, 1080, ink)
        top = int(rng.integers(260, 420))
        draw.ellipse((40, top - 120, 130, top - 30), fill=GREY)
        _text(draw, (160, top - 110), "some.account", 38, ink)
        _text(draw, (160, top - 64), _words(rng), 30, GREY)
        shown = _fitted(photo, 1080, 1350)
        canvas.paste(shown, ((1080 - shown.width) // 2, top))
        below = top + shown.height
        _icons(draw, below + 60, 4, ink, rng)
        for line in range(4):
            _text(draw, (40, below + 130 + 52 * line), _words(rng) + " " + _words(rng), 36, ink)
        _icons(draw, 2090, 5, ink, rng)
        return canvas

    return edit


def browser(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a web page on a wide screen: the photo within text."""
    canvas, draw = _screen(1920, 1080, WHITE)
    draw.rectangle((0, 0, 1920, 90), fill=(222, 225, 230))
    draw.rounded_rectangle((200, 28, 1500, 74), 20, fill=WHITE)
    _text(draw, (230, 34), "https://example.org/gallery", 28, INK)
    shown = _fitted(photo, 1000, 760)
    left, top = int(rng.integers(120, 300)), int(rng.integers(150, 260))
    canvas.paste(shown, (left, top))
    for line in range(14):
        _text(draw, (left + shown.width + 60, top + 46 * line), _words(rng), 30, INK)
    _text(draw, (left, top - 54), "Gallery", 40, INK)
    return canvas


def story(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a story: a coloured gradient, the photo, a name and a caption."""
    down = np.linspace(0, 1, 1920)[:, np.newaxis, np.newaxis]
    first, last = rng.integers(0, 256, (2, 3))
    rows = (first * (1 - down) + last * down).astype(np.uint8)
    canvas = Image.fromarray(np.repeat(rows, 1080, axis=1))
    draw = ImageDraw.Draw(canvas)
    shown = _fitted(photo, int(rng.integers(820, 1000)), 1300)
    canvas.paste(shown, ((1080 - shown.width) // 2, (1920 - shown.height) // 2))
    draw.rectangle((20, 24, 1060, 30), fill=GREY)
    draw.ellipse((36, 60, 116, 140), fill=GREY)
    _text(draw, (140, 78), "some.account  3 h", 36, WHITE)
    return canvas


def chat(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a chat: the photo in a bubble, between messages."""
    canvas, draw = _screen(1080, 2160, (236, 229, 221))
    draw.rectangle((0, 0, 1080, 190), fill=(7, 94, 84))
    _text(draw, (190, 100), "Someone", 44, WHITE)
    _status_bar(draw, 1080, WHITE)
    y = 240
    for _line in range(3):
        width = int(rng.integers(360, 700))
        draw.rounded_rectangle((30, y, 30 + width, y + 90), 24, fill=WHITE)
        _text(draw, (56, y + 22), _words(rng), 36, INK)
        y += 120
    shown = _fitted(photo, int(rng.integers(680, 840)), 1100)
    mask = Image.new("L", shown.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *shown.size), 28, fill=255)
    left = 1080 - shown.width - 40
    draw.rounded_rectangle(
        (left - 10, y - 10, left + shown.width + 10, y + shown.height + 60), 30, (220, 248, 198)
    )
    canvas.paste(shown, (left, y), mask)
    _text(draw, (left + shown.width - 120, y + shown.height + 8), "21:47", 30, GREY)
    draw.rounded_rectangle((30, 2040, 900, 2130), 44, fill=WHITE)
    return canvas


# --- captions and text ------------------------------------------------------------------------


def caption(colour: Colour, ink: Colour, bottom: bool) -> Edit:
    """Add a bar with two lines of text above or below."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        bar = round(photo.height * rng.uniform(0.12, 0.3))
        canvas = Image.new("RGB", (photo.width, photo.height + bar), colour)
        canvas.paste(photo, (0, 0 if bottom else bar))
        draw, size = ImageDraw.Draw(canvas), bar // 4
        first = photo.height if bottom else 0
        for line in range(2):
            _text(draw, (size, first + size * (1 + line * 1.4)), _words(rng), size, ink)
        return canvas

    return edit


def meme(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    photo, size = photo.copy(), photo.height // 10
    draw = ImageDraw.Draw(photo)
    for y in (size // 3, photo.height - size * 1.5):
        _text(draw, (photo.width * 0.1, y), _words(rng).upper(), size, WHITE, stroke=size // 12)
    return photo


def written(size: float, count: int) -> Edit:
    """Write lines of text over the photo."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        photo = photo.copy()
        draw, height = ImageDraw.Draw(photo), photo.height * size
        for _line in range(count):
            x, y = rng.uniform(0, 0.5) * photo.width, rng.uniform(0, 0.9) * photo.height
            _text(
                draw, (x, y), _words(rng), round(height), WHITE, stroke=max(1, round(height / 14))
            )
        return photo

    return edit


def watermarked(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    layer = Image.new("RGBA", photo.size, (0, 0, 0, 0))
    draw, size = ImageDraw.Draw(layer), photo.height // 12
    for y in range(0, photo.height, size * 4):
        _text(draw, (photo.width * rng.uniform(0, 0.3), y), "PREVIEW ONLY", size, (*WHITE, 90))
    return Image.alpha_composite(photo.convert("RGBA"), layer).convert("RGB")


# --- stickers and censoring -------------------------------------------------------------------


def stickers(count: int, size: float) -> Edit:
    """Cover parts with circles that have a face."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        photo, side = photo.copy(), min(photo.size) * size
        draw = ImageDraw.Draw(photo)
        for _sticker in range(count):
            x, y = (rng.uniform(0.1, 0.9, 2) * photo.size).tolist()
            draw.ellipse((x - side / 2, y - side / 2, x + side / 2, y + side / 2), (255, 206, 60))
            for eye in (-0.2, 0.2):
                middle = x + eye * side
                draw.ellipse((middle - side / 14, y - side / 8, middle + side / 14, y), INK)
            draw.arc((x - side / 4, y - side / 8, x + side / 4, y + side / 3), 20, 160, INK, 3)
        return photo

    return edit


def censored(how: str, size: float) -> Edit:
    """Cover a rectangle with a bar, with blocks or with blur."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        photo = photo.copy()
        width, height = round(photo.width * size), round(photo.height * size * 0.7)
        x = int(rng.uniform(0.1, 0.9) * (photo.width - width))
        y = int(rng.uniform(0.1, 0.9) * (photo.height - height))
        part = photo.crop((x, y, x + width, y + height))
        if how == "bar":
            part = Image.new("RGB", part.size, BLACK)
        elif how == "blocks":
            part = part.resize((8, 6)).resize(part.size, Image.Resampling.NEAREST)
        else:
            part = part.filter(ImageFilter.GaussianBlur(width / 8))
        photo.paste(part, (x, y))
        return photo

    return edit


# --- rotation ---------------------------------------------------------------------------------


def rotated(low: float, high: float, is_cut: bool) -> Edit:
    """Turn by so many degrees; cut to what is inside, or leave black corners."""

    def edit(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
        angle = rng.uniform(low, high) * rng.choice([-1, 1])
        turned = photo.rotate(angle, BICUBIC, expand=not is_cut)
        if not is_cut:
            return turned
        share = inscribed(photo.width, photo.height, angle)
        return _window(turned, photo.width * share, photo.height * share, (0.5, 0.5))

    return edit


def inscribed(width: float, height: float, angle: float) -> float:
    """Return the share of each axis of the largest box, of the same shape, in a turned one."""
    sine, cosine = abs(math.sin(math.radians(angle))), math.cos(math.radians(angle))
    long, short = max(width, height), min(width, height)
    return short / (long * sine + short * cosine)


# --- collages ---------------------------------------------------------------------------------


def side_by_side(gap: float, is_stacked: bool) -> Edit:
    """Put another photo beside or below."""

    def edit(photo: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
        pair = [photo, ImageOps.fit(other, photo.size, BICUBIC)]
        if rng.random() < 0.5:
            pair.reverse()
        space = round(photo.width * gap)
        width, height = photo.size
        if is_stacked:
            canvas = Image.new("RGB", (width, 2 * height + space), WHITE)
            places = [(0, 0), (0, height + space)]
        else:
            canvas = Image.new("RGB", (2 * width + space, height), WHITE)
            places = [(0, 0), (width + space, 0)]
        for each, place in zip(pair, places, strict=True):
            canvas.paste(each, place)
        return canvas

    return edit


def four(photo: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = photo.size
    others = [ImageOps.fit(each, photo.size) for each in (other, ImageOps.mirror(other), other)]
    pictures = [photo, others[0], ImageOps.flip(others[1]), greyscale(others[2], other, rng)]
    canvas = Image.new("RGB", (2 * width, 2 * height))
    for place, which in enumerate(rng.permutation(4)):
        canvas.paste(pictures[which], (place % 2 * width, place // 2 * height))
    return canvas


def inset(photo: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Put the photo on another one, at about half of its width."""
    canvas = ImageOps.fit(other, (1600, 1200), BICUBIC)
    shown = _fitted(photo, int(rng.integers(700, 1000)), int(rng.integers(700, 1000)))
    space = rng.uniform(0.1, 0.9, 2) * (1600 - shown.width, 1200 - shown.height)
    canvas.paste(shown, (int(space[0]), int(space[1])))
    return canvas


# --- a photo of a screen ----------------------------------------------------------------------


def screen_photo(photo: Image.Image, _: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Photograph a screen that shows the photo: bent, with a moiré, glare and a dark surround."""
    width, height = photo.size
    lines = 8 * np.sin(np.arange(height) / rng.uniform(1.2, 2.5))[:, np.newaxis, np.newaxis]
    pixels = np.clip(np.asarray(photo) * 0.9 + 12 + lines, 0, 255).astype(np.uint8)
    margin = rng.uniform(0.03, 0.1)
    canvas = Image.new("RGB", (round(width * (1 + margin)), round(height * (1 + margin))), NIGHT)
    x, y = (canvas.width - width) // 2, (canvas.height - height) // 2
    canvas.paste(Image.fromarray(pixels), (x, y))
    shift = rng.uniform(-0.025, 0.025, 8) * np.tile(canvas.size, 4)
    w, h = canvas.size
    corners = np.array([0, 0, 0, h, w, h, w, 0]) + shift
    bent = canvas.transform(
        canvas.size, Image.Transform.QUAD, corners.tolist(), BICUBIC, fillcolor=NIGHT
    )
    return bent.filter(ImageFilter.GaussianBlur(width / 800))


# --- several ----------------------------------------------------------------------------------


def chain(*edits: Edit) -> Edit:
    """Make several edits, one after another."""

    def edit(photo: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
        for each in edits:
            photo = each(photo, other, rng)
        return photo

    return edit


# --- what they share --------------------------------------------------------------------------


def _encoded(photo: Image.Image, kind: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, kind, quality=quality)
    return Image.open(file).convert("RGB")


def _scaled(photo: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(photo.width * factor)), max(1, round(photo.height * factor))
    return photo.resize(size, BICUBIC)


def _window(
    photo: Image.Image, width: float, height: float, place: "np.ndarray | tuple[float, float]"
) -> Image.Image:
    left, top = (photo.width - width) * place[0], (photo.height - height) * place[1]
    return photo.crop((round(left), round(top), round(left + width), round(top + height)))


def _fitted(photo: Image.Image, width: int, height: int) -> Image.Image:
    return _scaled(photo, min(width / photo.width, height / photo.height))


def _screen(width: int, height: int, colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("RGB", (width, height), colour)
    return canvas, ImageDraw.Draw(canvas)


def _status_bar(draw: ImageDraw.ImageDraw, width: int, ink: Colour) -> None:
    _text(draw, (48, 24), "21:47", 34, ink)
    draw.rounded_rectangle((width - 110, 30, width - 50, 58), 6, outline=ink, width=3)


def _icons(
    draw: ImageDraw.ImageDraw, y: int, count: int, ink: Colour, rng: np.random.Generator
) -> None:
    width = draw.im.size[0]
    for number in range(count):
        x, side = width * (number + 0.5) / count, int(rng.integers(18, 26))
        draw.ellipse((x - side, y - side, x + side, y + side), outline=ink, width=4)


def _words(rng: np.random.Generator) -> str:
    return " ".join(rng.choice(WORDS, 2))


def _text(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size: int,
    ink: tuple[int, ...],
    *,
    stroke: int = 0,
) -> None:
    font = ImageFont.load_default(max(8, size))
    draw.text(place, text, ink, font, stroke_width=stroke, stroke_fill=BLACK)


# --- the catalogue ----------------------------------------------------------------------------

_NO = (0.0, 0.0)
_T = Image.Transpose


def _all_sides(low: float, high: float) -> Edit:
    return cropped((low, high), (low, high), (low, high), (low, high))


def _one_side(side: int, low: float, high: float) -> Edit:
    sides = [_NO] * 4
    sides[side] = (low, high)
    return cropped(*sides)


def _two_sides(first: int, second: int) -> Edit:
    sides = [_NO] * 4
    sides[first] = sides[second] = (0.08, 0.12)
    return cropped(*sides)


GROUPS: Mapping[str, Mapping[str, Edit]] = {
    "re-encoded, resized, squashed": {
        "JPEG 20": jpeg(20), "JPEG 60": jpeg(60), "WebP 30": webp(30), "palette": palette,
        "half": resized(0.4, 0.6), "twice": resized(1.6, 2.2), "squashed": squashed(0.8, 0.95),
    },
    "filters": {
        "darker": enhanced(ImageEnhance.Brightness, 0.55, 0.8),
        "brighter": enhanced(ImageEnhance.Brightness, 1.2, 1.4),
        "contrast": enhanced(ImageEnhance.Contrast, 1.2, 1.6),
        "flat": enhanced(ImageEnhance.Contrast, 0.5, 0.8),
        "colour": enhanced(ImageEnhance.Color, 1.5, 2.5),
        "gamma": gamma(0.6, 1.6), "grey": greyscale, "warm": warm, "negative": negative,
    },
    "blur, noise": {
        "blur": blurred(0.002, 0.008), "sharpened": enhanced(ImageEnhance.Sharpness, 2, 5),
        "noise": noisy(8, 30), "pixelated": pixelated,
    },
    "mirror, turns": {
        "mirror": transposed(_T.FLIP_LEFT_RIGHT), "flip": transposed(_T.FLIP_TOP_BOTTOM),
        "90": transposed(_T.ROTATE_90), "180": transposed(_T.ROTATE_180),
        "270": transposed(_T.ROTATE_270),
    },
    "cropped on all sides": {
        "1 to 3 %": _all_sides(0.01, 0.03), "3 to 6 %": _all_sides(0.03, 0.06),
        "6 to 10 %": _all_sides(0.06, 0.1), "10 to 16 %": _all_sides(0.1, 0.16),
        "16 to 30 %": _all_sides(0.16, 0.3),
    },
    "cropped on one side": {
        f"{name} {low:.0%} to {high:.0%}": _one_side(side, low, high)
        for side, name in enumerate(("left", "top", "right", "bottom"))
        for low, high in ((0.03, 0.1), (0.1, 0.3))
    },
    "cropped on two sides": {
        "left, right": _two_sides(0, 2), "top, bottom": _two_sides(1, 3),
        "left, top": _two_sides(0, 1), "right, bottom": _two_sides(2, 3),
    },
    "random crop": {f"{kept:.0%}": random_crop(kept) for kept in (0.9, 0.8, 0.7, 0.6, 0.5)},
    "cut to a shape": {
        "1:1": aspect(1), "4:5": aspect(0.8), "9:16": aspect(9 / 16), "16:9": aspect(16 / 9),
        "3:4": aspect(0.75), "1:1 off centre": aspect(1, 0.1), "4:5 off centre": aspect(0.8, 0.1),
    },
    "bars and borders": {
        "black above and below": padded(_NO, (0.1, 0.4), BLACK),
        "white left and right": padded((0.1, 0.4), _NO, WHITE),
        "border": padded((0.03, 0.1), (0.03, 0.1), (200, 40, 90)), "polaroid": polaroid,
        "blurred fill 9:16": blurred_fill(9 / 16), "blurred fill 16:9": blurred_fill(16 / 9),
        "rounded corners": rounded,
    },
    "screenshots": {
        "viewer": viewer, "feed": feed(dark=False), "dark feed": feed(dark=True),
        "browser": browser, "story": story, "chat": chat,
    },
    "caption bars": {
        "white above": caption(WHITE, INK, bottom=False),
        "white below": caption(WHITE, INK, bottom=True),
        "black below": caption(BLACK, WHITE, bottom=True),
    },
    "text and watermarks": {
        "meme": meme, "one line": written(0.06, 1), "lines": written(0.05, 4),
        "watermark": watermarked,
    },
    "stickers, censoring": {
        "a sticker": stickers(1, 0.25), "stickers": stickers(3, 0.18),
        "bar": censored("bar", 0.3), "blocks": censored("blocks", 0.35),
        "blur": censored("blur", 0.4),
    },
    "rotation": {
        "1 to 3 degrees, cut": rotated(1, 3, is_cut=True),
        "3 to 6 degrees, cut": rotated(3, 6, is_cut=True),
        "6 to 10 degrees, cut": rotated(6, 10, is_cut=True),
        "1 to 3 degrees": rotated(1, 3, is_cut=False),
        "3 to 6 degrees": rotated(3, 6, is_cut=False),
    },
    "collages, inset": {
        "two": side_by_side(0, is_stacked=False), "two, gap": side_by_side(0.02, is_stacked=False),
        "stacked": side_by_side(0, is_stacked=True), "four": four, "inset": inset,
    },
    "photo of a screen": {"photo of a screen": screen_photo, "again": screen_photo},
    "two or three of these": {
        "crop, filter": chain(_all_sides(0.02, 0.08), enhanced(ImageEnhance.Contrast, 1.1, 1.4)),
        "mirror, caption": chain(
            transposed(_T.FLIP_LEFT_RIGHT), caption(WHITE, INK, bottom=False)
        ),
        "text, feed": chain(written(0.05, 1), feed(dark=False)),
        "shape, story": chain(aspect(0.8), story),
        "sticker, viewer": chain(stickers(1, 0.2), viewer),
        "crop, border, JPEG": chain(
            _all_sides(0.02, 0.06), padded((0.03, 0.1), (0.03, 0.1), WHITE), jpeg(40)
        ),
    },
}  # fmt: skip
"""By group and name."""
