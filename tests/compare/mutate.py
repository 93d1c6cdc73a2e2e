"""Mutated files, the same in every run. Half of the changes are made behind checksums and compression, which bytes that
are changed at random rarely match."""

import gzip
import io
import random
import struct
import zipfile
import zlib

PNG_START = b"\x89PNG\r\n\x1a\n"
EXTREMES = [0, 1, 0x7F, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]
HEADER_BYTES = 64
MAX_BLOCK_BYTES = 32


def mutations(seeds, count, reader):
    """Yields `count` names and mutated files, from each seed in turn."""
    for number in range(count):
        name, data = seeds[number % len(seeds)]
        rng = random.Random(f"{reader} {number}")
        yield f"{number:04}-{name}", mutated(rng, data)


def mutated(rng, data):
    packed = unpack(data)
    if packed and rng.random() < 0.5:
        parts, pack = packed
        at = rng.randrange(len(parts))
        parts[at] = changed(rng, parts[at])
        return pack(parts)
    return changed(rng, data)


def changed(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        change(rng, data)
    return bytes(data)


def change(rng, data):
    """Changes a bit, a byte or a number; or cuts off, cuts out, doubles or moves a block."""
    if not data:
        return
    end = min(len(data), HEADER_BYTES) if rng.random() < 0.4 else len(data)
    at = rng.randrange(end)
    block = slice(at, at + rng.randint(1, MAX_BLOCK_BYTES))
    kind = rng.choice(["bit", "bit", "byte", "byte", "number", "cut", "delete", "double"])
    if kind == "bit":
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "byte":
        data[at] = rng.randrange(256)
    elif kind == "number":
        width, order = rng.choice([1, 2, 4, 8]), rng.choice(["little", "big"])
        value = rng.choice(EXTREMES) % (1 << 8 * width)
        data[at : at + width] = value.to_bytes(width, order)[: len(data) - at]
    elif kind == "cut":
        del data[rng.randrange(len(data)) :]
    elif kind == "delete":
        del data[block]
    else:
        data[at:at] = data[block]


def unpack(data):
    """The parts of a packed file, and the function that packs them again; `None` for other files."""
    if data.startswith(PNG_START):
        return unpack_png(data)
    if data.startswith(b"PK"):
        return unpack_zip(data)
    if data.startswith(b"\x1f\x8b"):
        return [gzip.decompress(data)], lambda parts: gzip.compress(parts[0], mtime=0)
    return None


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def unpack_png(data):
    chunks, at = [], len(PNG_START)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    names = [name for name, _ in chunks]
    parts = [zlib.decompress(body) if is_packed(name, names) else body for name, body in chunks]

    def pack(parts):
        bodies = [zlib.compress(part) if is_packed(name, names) else part for name, part in zip(names, parts)]
        return PNG_START + b"".join(map(chunk, names, bodies))

    return parts, pack


def is_packed(name, names):
    return name == b"IDAT" and names.count(name) == 1


def unpack_zip(data):
    archive = zipfile.ZipFile(io.BytesIO(data))
    entries = archive.infolist()

    def pack(parts):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as writer:
            for entry, part in zip(entries, parts):
                writer.writestr(entry, part, entry.compress_type)
        return out.getvalue()

    return [archive.read(entry) for entry in entries], pack
