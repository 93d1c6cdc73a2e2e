"""PNG files of every color type, depth and order of rows, which Pillow reads but does not write."""

import struct
import zlib

import numpy
from mutate import PNG_START, chunk

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
DEPTHS = {GREY: [1, 2, 4, 8, 16], RGB: [8, 16], PALETTE: [1, 2, 4, 8], GREY_ALPHA: [8, 16], RGBA: [8, 16]}
# Start and step of rows and columns in the seven passes of Adam7.
PASSES = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]


def files(photo):
    found = {}
    for kind, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in [False, True]:
                values = samples(photo, kind, depth)
                for extra in extras(kind, depth, values[0, 0]):
                    name = f"{kind}_{depth}{'_adam7' * interlaced}{''.join('_' + key.decode() for key in extra)}.png"
                    found[name] = file(values, kind, depth, interlaced, extra)
    return found


def extras(kind, depth, first):
    """Further chunks: none, a gamma, and the transparency of the first pixel's color or of the first of the palette."""
    palette = {b"PLTE": bytes(i * 7 % 256 for i in range(3 * min(2**depth, 200)))} if kind == PALETTE else {}
    yield palette
    gamma = {b"gAMA": struct.pack(">I", 100_000), b"pHYs": bytes(9)}
    yield gamma | palette
    if kind == PALETTE:
        yield palette | {b"tRNS": bytes([0, 128])}
    elif kind == GREY or (kind, depth) == (RGB, 8):
        yield {b"tRNS": struct.pack(f">{len(first)}H", *first)}


def samples(photo, kind, depth):
    """Samples of shape (h, w, channels)."""
    rgb, grey = numpy.asarray(photo).astype("u4"), numpy.asarray(photo.convert("L")).astype("u4")[..., None]
    values = {GREY: [grey], PALETTE: [grey], RGB: [rgb], GREY_ALPHA: [grey, 255 - grey], RGBA: [rgb, 255 - grey]}[kind]
    values = numpy.concatenate(values, 2)
    if depth == 16:
        return values * 256 + values[::-1, ::-1]
    values = values >> (8 - depth)
    return values % 200 if kind == PALETTE else values


def file(samples, kind, depth, interlaced, extra):
    height, width, _ = samples.shape
    parts = [samples[a::b, c::d] for a, b, c, d in PASSES] if interlaced else [samples]
    data = b"".join(rows(part, depth) for part in parts if part.size)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    chunks = [(b"IHDR", head), *extra.items(), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return PNG_START + b"".join(chunk(name, body) for name, body in chunks)


def rows(samples, depth):
    """Filtered rows; the filters take turns."""
    height, width, channels = samples.shape
    flat = samples.reshape(height, width * channels)
    if depth == 16:
        lines = flat.astype(">u2").view("u1")
    elif depth == 8:
        lines = flat.astype("u1")
    else:
        bits = (flat[..., None] >> numpy.arange(depth - 1, -1, -1)) & 1
        lines = numpy.packbits(bits.reshape(height, -1).astype("u1"), axis=1)
    step = max(1, channels * depth // 8)
    before, out = numpy.zeros(lines.shape[1], "i4"), b""
    for number, line in enumerate(lines.astype("i4")):
        out += filtered(number % 5, line, before, step)
        before = line
    return out


def filtered(kind, line, above, step):
    left, corner = (numpy.concatenate([numpy.zeros(step, "i4"), row])[: len(line)] for row in (line, above))
    guess = left + above - corner
    distances = [abs(guess - left), abs(guess - above), abs(guess - corner)]
    nearest = numpy.choose(numpy.argmin(distances, axis=0), [left, above, corner])
    predicted = [0 * line, left, above, (left + above) // 2, nearest][kind]
    return bytes([kind]) + ((line - predicted) % 256).astype("u1").tobytes()
