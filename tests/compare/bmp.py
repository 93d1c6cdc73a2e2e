"""BMP files: depths, compressions, orders of rows and versions of the header."""

import struct

import numpy

WIDTH, HEIGHT = 7, 5
RGB, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3
# Behind the header of 40 bytes: red, green, blue, alpha.
MASKS_565 = [0xF800, 0x7E0, 0x1F, 0]
MASKS_BGRA = [0xFF0000, 0xFF00, 0xFF, 0xFF000000]
MASKS_RGBA = [0xFF, 0xFF00, 0xFF0000, 0xFF000000]
RUNS_8 = bytes([7, 1, 0, 0, 0, 7, 0, 1, 2, 3, 2, 1, 0, 0, 0, 0, 3, 2, 4, 3, 0, 0, 0, 4, 1, 1, 2, 2, 3, 0, 0, 0, 7, 3, 0, 0, 0, 1])
RUNS_4 = bytes([7, 0x12, 0, 0, 0, 7, 0x01, 0x23, 0x21, 0x00, 0, 0, 3, 0x22, 4, 0x31, 0, 0, 7, 0x33, 0, 0, 7, 0x10, 0, 0, 0, 1])


def files():
    found = {}
    for bits in [1, 2, 4, 8, 16, 24, 32]:
        for height in [HEIGHT, -HEIGHT]:
            name = f"{bits}{'_down' if height < 0 else ''}.bmp"
            found[name] = file(40, bits, RGB, height, rows(bits), colors=2**bits if bits <= 8 else 0)
    found["565.bmp"] = file(40, 16, BITFIELDS, HEIGHT, rows(16), MASKS_565[:3])
    found["few_colors.bmp"] = file(40, 8, RGB, HEIGHT, rows(8, 9), colors=9)
    for size in [52, 56, 108, 124]:
        for name, masks in {"bgra": MASKS_BGRA, "rgba": MASKS_RGBA}.items():
            found[f"{name}_{size}.bmp"] = file(size, 32, BITFIELDS, HEIGHT, rows(32), masks)
    found["rgb_108.bmp"] = file(108, 24, RGB, HEIGHT, rows(24), MASKS_BGRA)
    found["rle8.bmp"] = file(40, 8, RLE8, HEIGHT, RUNS_8, colors=4)
    found["rle4.bmp"] = file(40, 4, RLE4, HEIGHT, RUNS_4, colors=4)
    for bits in [1, 4, 8, 24]:
        found[f"core_{bits}.bmp"] = core(bits)
    return found


def rows(bits, colors=256):
    """Rows of random samples, padded to four bytes."""
    rng = numpy.random.default_rng(bits)
    line = (WIDTH * bits + 7) // 8
    samples = rng.integers(0, min(256, colors), (HEIGHT, line), dtype="uint8")
    return b"".join(row.tobytes().ljust((line + 3) // 4 * 4, b"\0") for row in samples)


def palette(colors, size):
    return b"".join(bytes([i * 37 % 256, i * 91 % 256, i * 151 % 256, 0][:size]) for i in range(colors))


def file(size, bits, compression, height, body, masks=(), colors=0):
    fields = (size, WIDTH, height, 1, bits, compression, len(body), 2835, 2835, colors, 0)
    head = struct.pack("<IiiHHIIiiII", *fields) + b"".join(struct.pack("<I", mask) for mask in masks)
    head = head[: max(size, 52 if masks and size == 40 else 40)].ljust(size, b"\0")
    return with_start(head + palette(colors, 4), body)


def core(bits):
    """The header of OS/2, with a palette of three bytes a color."""
    head = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    return with_start(head + palette(2**bits if bits <= 8 else 0, 3), rows(bits))


def with_start(head, body):
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, 14 + len(head)) + head + body
