"""A picture of how full the occurrences of a series were (R13): a row for each, as text says it beside the bar.

It has no typed text, whose letters the font may lack. Pillow is imported where it is used: only such exports need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from bot.blocks.fullness import day_of, fullness
from domain.enums import EventStatus
from domain.models import Event

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw as Pen
    from PIL.ImageFont import FreeTypeFont, ImageFont

MAX_ROWS = 52
"""The most occurrences in a picture: the last ones."""

_SCALE = 2
"""Pixels for each unit of length, for screens with a high resolution."""

_MARGIN, _ROW, _BAR, _GAP = 28, 36, 18, 16
_BAR_WIDTH, _SHORTEST = 380, 3
_TEXT, _SMALL = 15, 13

_WHITE, _INK, _GRAY, _LIGHT, _EDGE = "#ffffff", "#1d1c1d", "#616061", "#eef2f6", "#8291a3"
_SEATS, _WAITLIST = "#1264a3", "#a8480d"


def fullness_picture(occurrences: Sequence[Event]) -> bytes:
    """Return a PNG of up to `MAX_ROWS` occurrences, the last ones, in the order given.

    The bar of an occurrence is as long as its capacity, and filled as far as seats are taken. Hatching beyond the mark
    of the capacity is its waitlist. So nothing is said by color alone.
    """
    from PIL import Image, ImageDraw, ImageFont

    shown = occurrences[-MAX_ROWS:]
    font, small = (ImageFont.load_default(size * _SCALE) for size in (_TEXT, _SMALL))
    days = [day_of(one) for one in shown]
    texts = [fullness(one) for one in shown]
    left = _MARGIN + _widest(font, days) + _GAP
    right = left + _BAR_WIDTH + _GAP
    width = max(right + _widest(font, texts), left + _LEGEND_WIDTH) + _MARGIN
    top = _MARGIN + _ROW
    height = top + _ROW * len(shown) + _MARGIN - (_ROW - _BAR) // 2
    picture = Image.new("RGB", (width * _SCALE, height * _SCALE), _WHITE)
    pen = ImageDraw.Draw(picture)
    drawing = _Drawing(picture, pen, font, small)
    drawing.legend(left, _MARGIN)
    most = max((one.capacity + one.waitlist_count for one in shown), default=1)
    for number, event in enumerate(shown):
        middle = top + _ROW * number + _ROW // 2
        drawing.text(left - _GAP, middle, days[number], _INK, anchor="rm")
        drawing.bar(left, middle, event, _BAR_WIDTH / most)
        color = _GRAY if event.status is EventStatus.CANCELED else _INK
        drawing.text(right, middle, texts[number], color)
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


_LEGEND = (("Seats taken", 112), ("Free seats", 104), ("Capacity", 92), ("On the waitlist", 130))
_LEGEND_WIDTH = sum(width for _, width in _LEGEND)


def _widest(font: FreeTypeFont | ImageFont, texts: Sequence[str]) -> int:
    return max((int(font.getlength(text)) // _SCALE + 1 for text in texts), default=0)


class _Drawing:
    """Draws parts of the picture. Lengths are in units, and grow by `_SCALE` here."""

    def __init__(
        self,
        picture: Picture,
        pen: Pen,
        font: FreeTypeFont | ImageFont,
        small: FreeTypeFont | ImageFont,
    ) -> None:
        self._picture = picture
        self._pen = pen
        self._font = font
        self._small = small
        self._hatching = _hatching()

    def text(
        self,
        x: float,
        middle: float,
        text: str,
        color: str,
        *,
        anchor: str = "lm",
        is_small: bool = False,
    ) -> None:
        """Write a text beside a point."""
        at = (x * _SCALE, middle * _SCALE)
        self._pen.text(at, text, color, self._small if is_small else self._font, anchor)

    def legend(self, x: float, y: float) -> None:
        """Say what the parts of a bar mean."""
        size = _BAR - 4
        middle = y + size / 2
        for (label, width), draw in zip(
            _LEGEND, (self._taken, self._free, self._capacity, self._waitlisted), strict=True
        ):
            draw(x, middle, size, size)
            self.text(x + size + 7, middle, label, _GRAY, is_small=True)
            x += width

    def bar(self, x: float, middle: float, event: Event, seat: float) -> None:
        """Draw the bar of an occurrence. `seat` is the length of one seat."""
        length = max(event.capacity * seat, _SHORTEST)
        if event.status is EventStatus.CANCELED:
            self._dashes(x, middle, length)
            return
        self._free(x, middle, length, _BAR)
        if event.registered_count:
            self._taken(x, middle, max(event.registered_count * seat, _SHORTEST), _BAR)
        if event.waitlist_count:
            self._waitlisted(x + length, middle, max(event.waitlist_count * seat, _SHORTEST), _BAR)
        self._capacity(x + length - _BAR / 2, middle, _BAR, _BAR + 8)

    def _taken(self, x: float, middle: float, width: float, height: float) -> None:
        self._pen.rectangle(_box(x, middle, width, height), _SEATS)

    def _free(self, x: float, middle: float, width: float, height: float) -> None:
        self._pen.rectangle(_box(x, middle, width, height), _LIGHT, _EDGE)

    def _waitlisted(self, x: float, middle: float, width: float, height: float) -> None:
        x0, y0, x1, y1 = _box(x, middle, width, height)
        part = self._hatching.crop((0, 0, x1 - x0, y1 - y0))
        self._picture.paste(part, (x0, y0))
        self._pen.rectangle((x0, y0, x1, y1), outline=_WAITLIST, width=_SCALE)

    def _capacity(self, x: float, middle: float, width: float, height: float) -> None:
        """Draw the mark of the capacity, in the middle of a width."""
        self._pen.rectangle(_box(x + width / 2 - 1, middle, 2, height), _INK)

    def _dashes(self, x: float, middle: float, length: float) -> None:
        for at in range(0, int(length), 8):
            self._pen.rectangle(_box(x + at, middle, min(4, length - at), 2), _GRAY)


def _box(x: float, middle: float, width: float, height: float) -> tuple[int, int, int, int]:
    """Return the corners of a rectangle, in pixels, both inside."""
    x0, y0 = round(x * _SCALE), round((middle - height / 2) * _SCALE)
    return x0, y0, max(x0, round((x + width) * _SCALE) - 1), y0 + round(height * _SCALE) - 1


def _hatching() -> Picture:
    """Return stripes that are large enough for every bar. They are drawn larger, so that their edges are smooth."""
    from PIL import Image, ImageDraw

    width, height, finer = (_BAR_WIDTH + _BAR) * _SCALE, _BAR * _SCALE, 3
    large = Image.new("RGB", (width * finer, height * finer), _WHITE)
    pen = ImageDraw.Draw(large)
    step, thickness = 7 * _SCALE * finer, 2 * _SCALE * finer
    for x in range(-height * finer, width * finer, step):
        pen.line((x, height * finer, x + height * finer, 0), _WAITLIST, thickness)
    return large.resize((width, height), Image.Resampling.LANCZOS)
