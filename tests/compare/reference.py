"""Files as Pillow, NumPy and safetensors read them, in the form of the crate's values: names and float32 arrays."""

import gzip
import io
import math
import warnings

import jpeg
import numpy
from PIL import Image, ImageFile, ImageOps
from safetensors.numpy import load

ImageFile.LOAD_TRUNCATED_IMAGES = False
# The crate's own limit; a larger image is an error of both.
Image.MAX_IMAGE_PIXELS = 64_000_000
FORMATS = {"jpeg": ["JPEG", "MPO"], "png": ["PNG"], "gif": ["GIF"], "webp": ["WEBP"], "bmp": ["BMP"]}
SKIPPED = ("num_batches_tracked",)


def read(reader, data):
    """The values, or `None` if no other program reads the format.

    Raises any exception for a file that the other program refuses.
    """
    if reader == "jpeg":
        jpeg.check(data)
    if reader in FORMATS:
        return {"image": image(data, FORMATS[reader])}
    return {"npy": npy, "npz": npz, "idx": idx, "weights": tensors, "model": tensors, "cifar": none}.get(reader, none)(data)


def none(_):
    return None


def image(data, formats):
    """RGB of shape (3, h, w) in [0, 1]: the first frame, upright, transparency over white."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = Image.open(io.BytesIO(data), formats=formats)
        covered = box(picture)
        scale_transparency(picture)
        picture.load()
        exif_transpose = ImageOps.exif_transpose(picture)
    rgba = numpy.asarray(to_rgba(exif_transpose)).astype("f4") / 255
    rgb, alpha = rgba[..., :3], rgba[..., 3:]
    if covered:
        left, top, right, bottom = covered
        inside = numpy.zeros_like(alpha)
        inside[top:bottom, left:right] = 1
        alpha = alpha * inside
    return (rgb * alpha + 1 - alpha).transpose(2, 0, 1)


def box(picture):
    """The place of a GIF's first frame. Pillow fills the rest with the first color, browsers leave it transparent."""
    return picture.tile[0][1] if picture.format == "GIF" and picture.tile else None


def scale_transparency(picture):
    """Pillow compares the transparent grey of 2 or 4 bits with values that it has scaled to 8."""
    bits = {"L;2": 2, "L;4": 4}.get(picture.tile[0][3]) if picture.format == "PNG" and picture.tile else None
    if bits and "transparency" in picture.info:
        most = 2**bits - 1
        picture.info["transparency"] = (picture.info["transparency"] & most) * 255 // most


def to_rgba(picture):
    if picture.mode not in ("I;16", "I;16B", "I"):
        return picture.convert("RGBA")
    # 16 bits: Pillow's own conversion cuts values off at 255.
    values = numpy.asarray(picture).astype("f8")
    grey = Image.fromarray(numpy.rint(values / 257).astype("uint8")).convert("RGBA")
    transparent = picture.info.get("transparency")
    if transparent is not None:
        grey.putalpha(Image.fromarray(numpy.where(values == transparent, 0, 255).astype("uint8")))
    return grey


def npy(data):
    return {"images": images(array(data))}


def npz(data):
    archive = numpy.load(io.BytesIO(data), allow_pickle=False)
    if "x" in archive.files:
        return {"images": images(checked(archive["x"])), "labels": archive["y"]}
    return {"images": images(checked(archive["arr_0"]))}


def array(data):
    file = io.BytesIO(data)
    values = numpy.load(file, allow_pickle=False)
    if file.read():
        raise ValueError("bytes behind the array")
    return checked(values)


def checked(values):
    if not isinstance(values, numpy.ndarray):
        raise ValueError("no array")
    return values


def images(values):
    """The crate's rules: (n, h, w), (n, c, h, w) or (n, h, w, c), bytes or floats in [0, 1]."""
    if values.ndim == 3:
        values = values[:, None]
    elif values.ndim == 4 and values.shape[1] not in (1, 3):
        values = values.transpose(0, 3, 1, 2)
    return values / numpy.float32(255) if values.dtype == "uint8" else values


def idx(data):
    """The IDX format of unsigned bytes, as the page of MNIST describes it."""
    data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    if data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise ValueError("no IDX file")
    shape = [int(n) for n in numpy.frombuffer(data, ">u4", data[3], 4)]
    values = numpy.frombuffer(data, "uint8", -1, 4 + 4 * data[3])
    if math.prod(shape) != len(values):
        raise ValueError("another length")
    return {"idx": values.reshape(shape)}


def tensors(data):
    return {name: value for name, value in load(data).items() if not name.endswith(SKIPPED)}
