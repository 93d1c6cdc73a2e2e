"""Writes the seeds of the corpora that other programs' encoders make: python3 fuzz/seeds.py tests/corpus

Needs pillow and numpy. Model files, checkpoints and packed frames come from the crate itself: their seeds are the files
of `tests/fixtures/v0`, and those that the ignored test `seeds_of_our_own_formats` in `tests/readers` writes.
"""

import gzip
import io
import pathlib
import struct
import sys

import numpy
from PIL import Image

ROOT = pathlib.Path(sys.argv[1])
PAGE = 512


def save(reader, name, data):
    path = ROOT / reader / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def picture(width=17, height=11):
    y, x = numpy.mgrid[:height, :width]
    return Image.fromarray(numpy.stack([x * 14, y * 22, (x * y) % 256], 2).astype("uint8"))


def encoded(image, kind, **settings):
    out = io.BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


def pictures():
    rgb, grey = picture(), picture().convert("L")
    alpha = rgb.convert("RGBA")
    alpha.putalpha(grey)
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg = {
        "baseline": (rgb, {"exif": exif}),
        "grey": (grey, {}),
        "progressive": (rgb, {"progressive": True}),
        "progressive_420": (picture(40, 24), {"progressive": True, "subsampling": 2}),
        "subsampled": (picture(40, 24), {"subsampling": 2, "quality": 40}),
        "restarts": (rgb, {"restart_marker_blocks": 1}),
        "cmyk": (rgb.convert("CMYK"), {}),
        "cmyk_progressive": (rgb.convert("CMYK"), {"progressive": True}),
    }
    for name, (image, settings) in jpeg.items():
        save("jpeg", name + ".jpg", encoded(image, "JPEG", **settings))
    palette = rgb.quantize(16)
    deep = Image.fromarray((numpy.arange(77, dtype="uint16") * 850).reshape(7, 11))
    for name, image in {"rgb": rgb, "alpha": alpha, "grey": grey, "palette": palette, "deep": deep, "bits": grey.convert("1")}.items():
        save("png", name + ".png", encoded(image, "PNG"))
    save("png", "transparent.png", encoded(palette, "PNG", transparency=3))
    save("png", "animated.png", encoded(rgb, "PNG", save_all=True, append_images=[picture().rotate(180)]))
    for name, image, settings in [
        ("lossy", rgb, {}),
        ("lossy_alpha", alpha, {}),
        ("lossless", rgb, {"lossless": True}),
        ("lossless_alpha", alpha, {"lossless": True}),
        ("exif", rgb, {"exif": exif}),
        ("animated", rgb, {"save_all": True, "append_images": [picture().rotate(180)]}),
    ]:
        save("webp", name + ".webp", encoded(image, "WEBP", **settings))
    for name, image in {"rgb": rgb, "palette": palette, "bits": grey.convert("1"), "alpha": alpha}.items():
        save("bmp", name + ".bmp", encoded(image, "BMP"))
    for bits, red, green, blue in [(16, 0xF800, 0x7E0, 0x1F), (32, 0xFF00, 0xFF0000, 0xFF)]:
        body = bytes(range(4 * bits // 8 * 3))
        head = struct.pack("<IiiHHIIiiII3I", 40, 4, 3, 1, bits, 3, len(body), 0, 0, 0, 0, red, green, blue)
        save("bmp", f"fields_{bits}.bmp", b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, 14 + len(head)) + head + body)
    runs = bytes([4, 1, 0, 0, 0, 3, 1, 2, 3, 0, 1, 0, 0, 0, 4, 2, 0, 1])
    head = struct.pack("<IiiHHIIiiII", 40, 4, 3, 1, 8, 1, len(runs), 0, 0, 4, 4) + bytes(range(16))
    save("bmp", "runs.bmp", b"BM" + struct.pack("<IHHI", 14 + len(head) + len(runs), 0, 0, 14 + len(head)) + head + runs)
    save("gif", "palette.gif", encoded(palette, "GIF"))
    save("gif", "interlaced.gif", encoded(palette, "GIF", interlace=1, transparency=2, comment=b"comment"))
    save("gif", "animated.gif", encoded(palette, "GIF", save_all=True, append_images=[palette.rotate(180)], loop=0))
    for kind in ["jpeg/grey.jpg", "jpeg/progressive.jpg", "png/palette.png", "gif/palette.gif", "webp/lossy.webp", "bmp/bits.bmp"]:
        save("image_folder", kind.split("/")[1], (ROOT / kind).read_bytes())


def arrays():
    byte = numpy.arange(48, dtype="uint8")
    for name, array in {
        "u1": byte.reshape(4, 3, 4),
        "u1_channels": byte.reshape(4, 2, 2, 3),
        "f4_fortran": numpy.asfortranarray((byte / 48).astype("f4").reshape(4, 3, 2, 2)),
        "f8_big_endian": (byte / 48).astype(">f8").reshape(4, 3, 4),
    }.items():
        out = io.BytesIO()
        numpy.save(out, array)
        save("npy", name + ".npy", out.getvalue())
    images, labels = byte.reshape(4, 3, 4), numpy.array([0, 3, 1, 2])
    for name, write in {"stored": numpy.savez, "deflated": numpy.savez_compressed}.items():
        out = io.BytesIO()
        write(out, x=images, y=labels)
        save("npz", name + ".npz", out.getvalue())
        out = io.BytesIO()
        write(out, images)
        save("npz", name + "_single.npz", out.getvalue())
    save("csv", "plain.csv", b"1,-2.5,1e3\n4,5,6\n7,8,9\n")
    save("csv", "labels.csv", b'size,kind,"weight, g"\r\n1.5,owl,2\r\n3,"wren",4\r\n\r\n5,owl,6\r\n')
    save("csv", "quotes.csv", '\ufeffa,kind\n"1",x\n" 2 ","y ""z"""\n3,"two\nlines"\n'.encode())
    header = "hidden,epochs (parameter),best_loss,epochs,seconds,psnr,status,error,notebook"
    rows = ["32,1e-3,0.25,3,1.5,20.5,finished,,a.ipynb", '"[1, 2]",,,,0.5,,failed,"cell 2: ""x""\nno",b.ipynb']
    save("results", "sweep.csv", "\r\n".join([header, *rows, ""]).encode())
    idx = bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 2, 2) + bytes(range(16))
    save("idx", "images", idx)
    save("idx", "labels", bytes([0, 0, 8, 1]) + struct.pack(">I", 4) + bytes(4))
    save("idx", "images.gz", gzip.compress(idx, mtime=0))
    save("cifar", "batch.bin", bytes([3]) + bytes(range(256)) * 12)
    save("cifar_names", "names.txt", b"airplane\nautomobile\r\n\n bird \n")


def varint(value):
    out = b""
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def datum(shape, data, label, encoded=False):
    fields = b"" if encoded else b"".join(bytes([8 * (i + 1)]) + varint(n) for i, n in enumerate(shape))
    record = fields + b"\x22" + varint(len(data)) + data + b"\x28" + varint(label)
    return record + b"\x38\x01" if encoded else record


def page(number, flags, nodes=()):
    offsets, body, upper = [], b"", PAGE
    for node in nodes:
        node += bytes(len(node) % 2)
        upper -= len(node)
        offsets.append(upper)
        body = node + body
    head = struct.pack("<QHHHH", number, 0, flags, 16 + 2 * len(offsets), upper)
    head += b"".join(struct.pack("<H", offset) for offset in offsets)
    return head + bytes(upper - len(head)) + body


def leaf(key, value):
    return struct.pack("<HHHH", len(value) & 0xFFFF, len(value) >> 16, 0, len(key)) + key + value


def on_pages(key, length, number):
    return struct.pack("<HHHH", length & 0xFFFF, length >> 16, 1, len(key)) + key + struct.pack("<Q", number)


def branch(key, number):
    return struct.pack("<HHHH", number & 0xFFFF, number >> 16, 0, len(key)) + key


def database(depth, branches, leaves, overflows, entries, root, pages):
    def meta(number):
        none = (1 << 64) - 1
        body = struct.pack("<IIQQ", 0xBEEFC0DE, 1, 0, 1 << 20)
        body += struct.pack("<IHHQQQQQ", PAGE, 0, 0, 0, 0, 0, 0, none)
        body += struct.pack("<IHHQQQQQ", 0, 0, depth, branches, leaves, overflows, entries, root)
        body += struct.pack("<QQ", 1 + len(b"".join(pages)) // PAGE, number)
        head = struct.pack("<QHHHH", number, 0, 8, 0, 0)
        return (head + body).ljust(PAGE, b"\0")

    return b"".join([meta(0), meta(1), *pages])


def databases():
    grey = datum((1, 3, 4), bytes(range(12)), 1)
    color = datum((3, 3, 4), bytes(range(36)), 2)
    png = datum((), (ROOT / "png/grey.png").read_bytes(), 3, True)
    for name, record in {"grey": grey, "color": color, "encoded": png}.items():
        save("datum", name, record)
    save("datum", "jpeg", datum((), (ROOT / "jpeg/grey.jpg").read_bytes(), 4, True))
    save("datum", "floats", color + b"\x35\0\0\0\0")
    records = [leaf(b"%08d_a" % i, record) for i, record in enumerate([grey, color, png])]
    save("lmdb", "leaf.mdb", database(1, 0, 1, 0, 3, 2, [page(2, 2, records)]))
    tree = [page(2, 1, [branch(b"", 3), branch(b"00000002_a", 4)]), page(3, 2, records[:2]), page(4, 2, records[2:])]
    save("lmdb", "branch.mdb", database(2, 1, 2, 0, 3, 2, tree))
    length = 2000
    large = datum((1, 30, 60), bytes(range(200)) * 9, 5)
    unknown = length - len(large) - 3
    large += b"\x7a" + bytes([unknown & 127 | 128, unknown >> 7]) + bytes(unknown)
    pages = (15 + length) // PAGE + 1
    body = struct.pack("<QHHI", 3, 0, 4, pages) + large
    root = page(2, 2, [on_pages(b"00000000_a", length, 3), leaf(b"00000001_a", grey)])
    save("lmdb", "overflow.mdb", database(1, 0, 1, pages, 2, 2, [root, body.ljust(PAGE * pages, b"\0")]))


pictures()
arrays()
databases()
