"""Draw the logos of five invented brands: `python -m demo.make_logos`.

Each logo is a symbol and a wordmark on a transparent ground, in `demo/logos/`; the one-colour
white version that a brand prints on dark or coloured grounds is in `demo/logos/reversed/`.
Letters are our own strokes (`lettering.py`), except Tide & Co's, which are set in STIX General
(SIL Open Font License), carried by matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from demo.lettering import Hand, Sheet, arc, curve

HERE = Path(__file__).parent
WIDTH = 1024  # pixels of the finished logo

KESTREL, NORRA, VITALO, OSPREY, TIDE = "#d1495b", "#00798c", "#edae49", "#6a4c93", "#2b59c3"
LEAF, MIST = "#4f9d5d", "#a58bc6"


def kestrel() -> Sheet:
    """Three feathers of a stooping falcon, and leaning capitals."""
    sheet = Sheet(1700, 340)
    feathers = [((40, 60), (300, 95)), ((78, 122), (290, 160)), ((122, 184), (276, 222))]
    for (left, top), (right, root) in feathers:
        upper = curve((left, top), (right - 70, top + 2), (right + 14, root + 34))
        lower = curve((right - 34, root + 52), (left + 92, top + 58), (left, top))
        sheet.polygon([*upper, *lower], KESTREL)
    hand = Hand(weight=0.235, tracking=0.115)
    sheet.text("KESTREL", hand, (322, 272), 206, KESTREL, slant=0.19)
    return sheet


def norra_bank() -> Sheet:
    """The north star, long towards the pole, cut out of a disc."""
    sheet = Sheet(1900, 380)
    x, y, r = 180, 190, 150
    sheet.disc(x, y, r, NORRA)
    star = []
    for step in range(8):
        angle = math.radians(step * 45 - 90)
        length = (r * 0.80 if step == 0 else r * 0.62) if step % 2 == 0 else r * 0.17
        star.append((x + length * math.cos(angle), y + 8 + length * math.sin(angle)))
    sheet.polygon(star, "")
    sheet.text("Norra Bank", Hand(weight=0.175, tracking=0.115), (384, 274), 194, NORRA)
    return sheet


def vitalo() -> Sheet:
    """A slice of fruit with a leaf, and round lower-case letters."""
    sheet = Sheet(1500, 460)
    x, y, r = 200, 252, 158
    sheet.disc(x, y, r, VITALO)
    sheet.disc(x, y, r * 0.84, "")
    for step in range(6):
        middle = math.radians(step * 60 - 60)
        cx, cy = x + 17 * math.cos(middle), y + 17 * math.sin(middle)
        start = step * 60 - 60 - 27
        wedge = [(cx, cy), *arc(cx, cy, r * 0.655, r * 0.655, start, start + 54)]
        sheet.polygon(wedge, VITALO)
    tip, stem = (330, 34), (214, 100)
    leaf = [*curve(stem, (226, 22), tip), *curve(tip, (322, 116), stem)]
    sheet.polygon(leaf, LEAF)
    hand = Hand(weight=0.205, x_height=0.72, round_caps=True, tracking=0.105)
    sheet.text("vitalo", hand, (412, 392), 300, VITALO)
    return sheet


def osprey_air() -> Sheet:
    """Two wings over the horizon, and an airy line of capitals above a smaller one."""
    sheet = Sheet(1700, 420)
    wing = [*curve((20, 96), (168, 84), (228, 300)), *curve((228, 300), (150, 172), (20, 96))]
    far = [*curve((436, 56), (276, 76), (228, 300)), *curve((228, 300), (304, 156), (436, 56))]
    low = [*curve((384, 170), (292, 200), (228, 326)), *curve((228, 326), (300, 246), (384, 170))]
    for outline, colour in ((wing, OSPREY), (far, OSPREY), (low, MIST)):
        sheet.polygon(outline, colour)
    sheet.polygon(
        [*curve((96, 170), (176, 200), (228, 326)), *curve((228, 326), (164, 246), (96, 170))], MIST
    )
    end = sheet.text("OSPREY", Hand(weight=0.17, tracking=0.17), (486, 232), 172, OSPREY)
    air = sheet.text("AIR", Hand(weight=0.2, tracking=0.40), (490, 346), 78, OSPREY)
    sheet.polygon([(air + 44, 299), (end, 299), (end, 315), (air + 44, 315)], MIST)
    return sheet


def tide_and_co() -> Sheet:
    """A breaking wave in a seal, and an old-style serif."""
    sheet = Sheet(1800, 420)
    square = _rounded_square(40, 50, 320, 70)
    sheet.polygon(square, TIDE)
    for top, lift in ((176, 62), (246, 52), (310, 42)):
        crest = [*curve((84, top + 22), (150, top - lift - 18), (208, top + 8))]
        crest += curve((208, top + 8), (262, top + lift - 8), (316, top - 14))
        sheet.stroke(crest, 26, "")
    _serif(sheet, "Tide & Co", (412, 302), 270, TIDE)
    return sheet


def _rounded_square(x: float, y: float, side: float, radius: float) -> list[tuple[float, float]]:
    far_x, far_y = x + side - radius, y + side - radius
    return [
        *arc(x + radius, y + radius, radius, radius, 180, 270),
        *arc(far_x, y + radius, radius, radius, 270, 360),
        *arc(far_x, far_y, radius, radius, 0, 90),
        *arc(x + radius, far_y, radius, radius, 90, 180),
    ]


def _serif(sheet: Sheet, words: str, at: tuple[float, float], size: int, colour: str) -> None:
    font_file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "STIXGeneralBol.ttf"
    font = ImageFont.truetype(str(font_file), size * sheet.oversampling)
    mask = Image.new("L", sheet.image.size)
    draw = ImageDraw.Draw(mask)
    x, y = at[0] * sheet.oversampling, at[1] * sheet.oversampling
    for letter in words:
        draw.text((x, y), letter, fill=255, font=font, anchor="ls")
        x += font.getlength(letter) * (0.80 if letter == " " else 1.0) - 2 * sheet.oversampling
    sheet.ink(mask, colour)


LOGOS: dict[str, Callable[[], Sheet]] = {
    "kestrel": kestrel,
    "norra-bank": norra_bank,
    "vitalo": vitalo,
    "osprey-air": osprey_air,
    "tide-and-co": tide_and_co,
}


def reversed_out(logo: Image.Image) -> Image.Image:
    """The same shape in white."""
    white = Image.new("RGBA", logo.size, "white")
    white.putalpha(logo.getchannel("A"))
    return white


def main() -> None:
    (HERE / "logos" / "reversed").mkdir(parents=True, exist_ok=True)
    for name, draw in LOGOS.items():
        logo = draw().finish(WIDTH)
        logo.save(HERE / "logos" / f"{name}.png", optimize=True)
        reversed_out(logo).save(HERE / "logos" / "reversed" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
