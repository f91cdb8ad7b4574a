"""Pictures of pages, compared with those that somebody has looked at.

A picture is kept at an eighth of its size, where another font or another smoothing of its edges hardly shows, while a
part that is missing, moved or of another colour does. `C10K_PICTURES=new` keeps the pictures as they are now.
"""

import io
import os
import pathlib
import tempfile

from PIL import Image, ImageChops

from .environment import SOURCE

FOLDER = SOURCE / "tests/e2e/pictures"
SCALE = 8
NOTICED = 40  # of 255: a difference that one sees
MOST = 0.04   # the share of points that may differ so much


def picture(browser):
    """What the window shows, small."""
    whole = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    return whole.resize((whole.width // SCALE, whole.height // SCALE), Image.Resampling.BOX)


def difference(one, other):
    """The share of points in which two pictures differ, from 0 to 1."""
    if one.size != other.size:
        return 1.0
    red, green, blue = ImageChops.difference(one, other).split()
    points = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    return sum(points[NOTICED:]) / sum(points)


def fault(browser, name):
    """How the page differs from the picture of that name: "" if it does not."""
    now, file = picture(browser), FOLDER / f"{name}.png"
    if os.environ.get("C10K_PICTURES") == "new":
        FOLDER.mkdir(exist_ok=True)
        now.quantize(64).save(file, optimize=True)
        return ""
    share = difference(now, Image.open(file).convert("RGB"))
    if share <= MOST:
        return ""
    wrong = pathlib.Path(tempfile.gettempdir(), f"{name}-now.png")
    now.save(wrong)
    return f"{share:.1%} of {wrong} differ from {file}; if it is right: C10K_PICTURES=new"
