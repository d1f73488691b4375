"""PNG, npy and safetensors files, written and read by the tests themselves."""
import json, os, struct, zlib
from whole_program import write


def npy(name, values, shape, descr="<f4", order=False, cut=0):
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }" % (descr, order, ", ".join(map(str, shape)))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % len(values), *values)
    return write(name, data[:len(data) - cut], "wb")


def read_npy(name):
    data = open(name, "rb").read()
    size = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + size].decode(), {})
    return header["shape"], struct.unpack("<%df" % ((len(data) - 10 - size) // 4), data[10 + size:])


def safetensors(name, tensors):
    header, data = {}, b""
    for key, (shape, value) in tensors.items():
        n = 4 * eval("*".join(map(str, shape)))
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + n]}
        data += struct.pack("<f", value) * (n // 4)
    text = json.dumps(header).encode()
    return write(name, struct.pack("<Q", len(text)) + text + data, "wb")


def png_size(name):
    data = open(name, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", name
    return struct.unpack(">II", data[16:24])


def write_png(name, pixels, channels=1):
    """Rows of bytes, `channels` to a pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", len(pixels[0]) // channels, len(pixels), 8, 0 if channels == 1 else 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(row) for row in pixels)
    return write(name, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""), "wb")


def read_png(name):
    """Rows of bytes of an 8-bit grey or RGB file, and the bytes to a pixel."""
    data = open(name, "rb").read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8 and kind in (0, 2), (name, depth, kind)
    packed, at, bpp = b"", 8, 3 if kind == 2 else 1
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        packed += data[at + 8:at + 8 + length] if data[at + 4:at + 8] == b"IDAT" else b""
        at += length + 12
    raw, stride, above, rows = zlib.decompress(packed), width * bpp, bytes(width * bpp), []
    for y in range(height):
        method, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a, b, c = row[i - bpp] if i >= bpp else 0, above[i], above[i - bpp] if i >= bpp else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, nearest)[method]) % 256
        rows.append(bytes(row))
        above = row
    return rows, bpp


def cell(name, row, height, width, column=0, columns=1):
    """The grey values of a cell of a picture in rows: cells lie 2 pixels apart, and the labels' margin is at the left."""
    pixels, bpp = read_png(name)
    left = len(pixels[0]) // bpp - (columns - column) * (width + 2)
    return [[line[x * bpp] for x in range(left, left + width)] for line in pixels[2 + row * (height + 2):][:height]]


def picture_folder(name, counts, pixels, channels=1):
    """PNG files NAME/PART/CLASS/I.png; counts[part][class] of them, all of the class's pixels."""
    for part in counts:
        for kind in counts[part]:
            os.makedirs("%s/%s/%s" % (name, part, kind))
            for i in range(counts[part][kind]):
                write_png("%s/%s/%s/%d.png" % (name, part, kind, i), pixels[kind], channels)
    return name
