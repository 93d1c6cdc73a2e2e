"""Valid files of every kind that a format has: those of `tests/corpus`, and what Pillow, NumPy and safetensors write."""

import gzip
import io
import pathlib
import zipfile

import bmp
import numpy
import png
from numpy.lib import format as npy_format
from PIL import Image
from safetensors.numpy import load, save

CORPUS = pathlib.Path(__file__).parents[1] / "corpus"
# Start of the names of files that the crate refuses, because images have other types.
REFUSED = "refused_"
# Files that the fuzzer found, which need not be whole, have a hash for a name.
MAX_NAME = 40


def seeds(reader):
    """Names and contents, in the order of the names."""
    files = {path.name: path.read_bytes() for path in (CORPUS / reader).iterdir() if len(path.name) < MAX_NAME}
    makers = {"jpeg": jpegs, "png": pngs, "gif": gifs, "webp": webps, "bmp": bmp.files}
    makers |= {"npy": npys, "npz": npzs, "idx": idxs, "weights": weights}
    files |= makers.get(reader, dict)()
    return sorted(files.items())


def photo(width=17, height=11):
    """A gradient with some noise."""
    y, x = numpy.mgrid[:height, :width]
    noise = numpy.random.default_rng(width * height).integers(0, 30, (height, width, 3))
    plain = numpy.stack([x * 220 // width, y * 220 // height, (x + y) * 220 // (width + height)], 2)
    return Image.fromarray((plain + noise).astype("uint8"))


def transparent(width=17, height=11):
    image = photo(width, height).convert("RGBA")
    image.putalpha(photo(width, height).convert("L"))
    return image


def encoded(image, kind, **settings):
    out = io.BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def jpegs():
    files = {f"exif_{i}.jpg": encoded(photo(), "JPEG", exif=turned(i)) for i in range(1, 9)}
    for progressive in [False, True]:
        for sampling in range(3):
            settings = {"progressive": progressive, "subsampling": sampling, "quality": 80}
            files[f"{'p' if progressive else 'b'}_{sampling}.jpg"] = encoded(photo(33, 25), "JPEG", **settings)
    files["restarts.jpg"] = encoded(photo(40, 24), "JPEG", restart_marker_rows=1)
    files["optimized.jpg"] = encoded(photo(9, 1), "JPEG", optimize=True)
    files["icc.jpg"] = encoded(photo(), "JPEG", icc_profile=bytes(range(200)), comment=b"comment")
    return files


def pngs():
    files = png.files(photo(19, 13))
    files["exif.png"] = encoded(photo(), "PNG", exif=turned(6))
    files["animated.png"] = encoded(photo(), "PNG", save_all=True, append_images=[photo().rotate(180)])
    files["default.png"] = encoded(photo(), "PNG", save_all=True, append_images=[photo().rotate(180)], default_image=True)
    return files


def gifs():
    palette, few = photo().quantize(64), photo().quantize(3)
    frames = [palette, palette.rotate(180), photo().rotate(90).quantize(5)]
    files = {
        "few.gif": encoded(few, "GIF"),
        "grey.gif": encoded(photo().convert("L"), "GIF"),
        "bits.gif": encoded(photo().convert("1"), "GIF"),
        "interlaced.gif": encoded(palette, "GIF", interlace=1),
        "transparent.gif": encoded(palette, "GIF", transparency=7),
        "alpha.gif": encoded(transparent(), "GIF"),
    }
    for disposal in range(4):
        settings = {"save_all": True, "append_images": frames[1:], "disposal": disposal, "duration": 40, "transparency": 3}
        files[f"disposal_{disposal}.gif"] = encoded(palette, "GIF", **settings)
    for name in ["few.gif", "transparent.gif"]:
        files["partial_" + name] = partial_gif(files[name])
    return files


def partial_gif(file):
    """The image at (3, 2) on a larger screen."""
    file = bytearray(file)
    at = file.index(b",\0\0\0\0\x11\0\x0b\0")
    file[at + 1 : at + 5] = bytes([3, 0, 2, 0])
    file[6:10] = bytes([24, 0, 16, 0])
    return bytes(file)


def webps():
    files = {}
    for name, image in {"rgb": photo(), "alpha": transparent(), "wide": transparent(65, 3), "dot": photo(1, 1)}.items():
        files[f"{name}.webp"] = encoded(image, "WEBP", quality=60)
        files[f"{name}_lossless.webp"] = encoded(image, "WEBP", lossless=True)
        more = [image.rotate(180), image]
        files[f"{name}_animated.webp"] = encoded(image, "WEBP", save_all=True, append_images=more, lossless=True)
    few = photo(32, 32).quantize(4).convert("RGB")
    files["palette.webp"] = encoded(few, "WEBP", lossless=True, method=6)
    files["background.webp"] = encoded(transparent(), "WEBP", save_all=True, append_images=[transparent()], background=(9, 99, 200, 255))
    files["exif.webp"] = encoded(photo(), "WEBP", exif=turned(5))
    files["mixed.webp"] = encoded(photo(40, 30), "WEBP", save_all=True, append_images=[photo(40, 30)], allow_mixed=True)
    return files


def saved(array, version=None):
    out = io.BytesIO()
    npy_format.write_array(out, array, version)
    return out.getvalue()


def arrays():
    bytes_, rng = numpy.arange(96, dtype="uint8"), numpy.random.default_rng(0)
    floats = rng.random(96)
    found = {"grey": bytes_.reshape(4, 4, 6), "first": bytes_.reshape(2, 3, 4, 4), "last": bytes_.reshape(2, 4, 4, 3)}
    found["fortran"] = numpy.asfortranarray(bytes_.reshape(2, 4, 4, 3))
    for kind in ["<f4", ">f4", "<f8", ">f8", "<f2", ">i2", "<u2", "<i8", "|b1", "|i1", "<c8", ">u4"]:
        known = kind[1:] in ("f4", "f8")
        name = ("" if known else REFUSED) + kind.translate(str.maketrans("<>|", "lbn"))
        found[name] = (floats if kind[1] in "fc" else bytes_ % 2).astype(kind).reshape(2, 3, 4, 4)
        found[name + "_fortran"] = numpy.asfortranarray(found[name])
    return found


def npys():
    files = {name + ".npy": saved(array) for name, array in arrays().items()}
    grey = arrays()["grey"]
    return files | {f"version_{n}.npy": saved(grey, (n, 0)) for n in (1, 2, 3)}


def npzs():
    files = {}
    for name, array in arrays().items():
        for method, write in {"stored": numpy.savez, "deflated": numpy.savez_compressed}.items():
            out = io.BytesIO()
            write(out, x=array, y=numpy.arange(len(array), dtype="<i8"))
            files[f"{name}_{method}.npz"] = out.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("arr_0.npy", saved(arrays()["grey"]))
    return files | {REFUSED + "lzma.npz": out.getvalue()}


def idx(shape):
    count = int(numpy.prod(shape))
    return bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape) + bytes(i % 251 for i in range(count))


def idxs():
    images, labels = idx((5, 7, 3)), idx((6,))
    return {
        "small_images": images,
        "small_labels": labels,
        "empty": idx((0, 28, 28)),
        "labels.gz": gzip.compress(labels, mtime=0),
        "members.gz": gzip.compress(images[:50], mtime=0) + gzip.compress(images[50:], mtime=0),
    }


def weights():
    values = load((CORPUS / "weights/weights").read_bytes())
    files = {kind: save({name: value.astype(kind) for name, value in values.items()}) for kind in ["f4", "f2", "f8"]}
    files["module"] = save({"module." + name: value for name, value in values.items()})
    files["extra"] = save(values | {"encoder.1.num_batches_tracked": numpy.array(7, dtype="int64")})
    return files
