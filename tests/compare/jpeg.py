"""What JPEG files determine: the damage that libjpeg-turbo reports, and the rounding of two correct decoders."""

import re

import numpy
import simplejpeg

COLORS = {"Gray": "GRAY", "YCbCr": "RGB", "RGB": "RGB", "CMYK": "CMYK", "YCCK": "CMYK"}
# Bytes between segments are no damage, those before the next scan or the end belong to a scan.
DAMAGE = re.compile(r"Corrupt JPEG data(?!: \d+ extraneous bytes before marker (?!0xd[a9]))")
# Of 255. Decoders round the inverse transform, the interpolated colors and their conversion.
MAX_DIFFERENCE = 5
# At the border, some interpolate with the samples that the encoder added outside of the image.
MAX_BORDER_DIFFERENCE = 16
# Beyond this, the two inverse transforms of libjpeg-turbo overflow: no encoder wrote the coefficients.
MAX_SPREAD = 32


def check(data):
    """Raises an error for damage that libjpeg-turbo reports and fills in, and for coefficients that no image has.

    Pillow returns what libjpeg-turbo filled in, and says nothing.
    """
    colors = COLORS[simplejpeg.decode_jpeg_header(data)[2]]
    try:
        exact = simplejpeg.decode_jpeg(data, colors, strict=True)
    except ValueError as error:
        if DAMAGE.match(str(error)):
            raise
        exact = simplejpeg.decode_jpeg(data, colors, strict=False)
    fast = simplejpeg.decode_jpeg(data, colors, fastdct=True, strict=False)
    if numpy.abs(exact.astype("i2") - fast).max() > MAX_SPREAD:
        raise ValueError("coefficients out of range")


def tolerance(shape):
    """The largest difference for each value of an image of the shape (3, h, w)."""
    of_255 = numpy.full(shape, MAX_BORDER_DIFFERENCE)
    of_255[:, 1:-1, 1:-1] = MAX_DIFFERENCE
    return of_255 / 255
