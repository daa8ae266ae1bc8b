#!/usr/bin/python3
"""Compare decoded pictures with Pillow's, on some 1,500 files in the corners of all formats.

    pictures.py INCEPTION                      check (INCEPTION is not used)
    pictures.py --fixture TESTDATA             write those of internal/picture/testdata/further and expected/further

Needs Pillow 12 or later, numpy, tifffile and imagecodecs, and the programs cjpeg (Debian: libjpeg-turbo-progs) and go. A file
counts as read rightly if it shows what Pillow shows after its ImageOps.exif_transpose, with LOAD_TRUNCATED_IMAGES, over
white. Left out is what Pillow gets wrong itself (WRONG says why) and what it does not read.
"""
import fnmatch
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.pop(0)
try:
    import numpy as np
    import tifffile
    from PIL import Image, ImageDraw, ImageFile, ImageOps, __version__
except ImportError as missing:
    sys.exit(f"pictures.py: {missing}; pip install pillow numpy tifffile imagecodecs")
if int(__version__.split(".")[0]) < 12:
    sys.exit(f"pictures.py: No module named Pillow 12 (this is {__version__})")

HERE = os.path.dirname(os.path.abspath(__file__))
W, H = 45, 37
WRONG = {
    "png_0_[24]_*_trns.png": "compares the stretched sample with the transparent one",
    "png_0_16_*_trns.png": "shows 16-bit grey as opaque",
    "png_adler.png": "drops the last row where the checksum is wrong",
    "tif_w16_*": "takes white for black",
    "tif_*16_none_planar.tif": "reads bytes of 16-bit planes as samples",
    "tif_la_*_planar.tif": "reads one plane only",
    "cut_a_*.jpg": "shows nothing of arithmetic coding that is cut off",
    "cut_pa_*.jpg": "shows nothing of arithmetic coding that is cut off",
    "cut_pr1_17.jpg": "shows nothing of what is cut off within a marker",
    "cut_p_29.jpg": "shows nothing of what is cut off within a marker",
    "cut_p_*[79].jpg": "shows nothing of what is cut off within a marker",
    "cut_pr1_29.jpg": "shows nothing of what is cut off within a marker",
    "cut_pr1_71.jpg": "shows nothing of what is cut off within a marker",
    "cut_p_71.jpg": "shows nothing of what is cut off within a marker",
}
# Some of each kind, which are kept in the repository.
KEPT = [
    "s_4x1_2x1_1x1_p.jpg", "s_3x2_1x1_1x1_b.jpg", "s_2x1_1x2_1x1_seqr.jpg", "s_4x2_pa.jpg", "s_1x1_1x2_1x1_pr1.jpg",
    "dc_only.jpg", "cut_p_41.jpg", "cut_pr1_83.jpg", "rst_lost.jpg", "rst_next.jpg", "grey_2x2_p.jpg", "twice_p.jpg",
    "exif_MM_6_claims.jpg", "exif_II_8_unknown.jpg", "exif_II_3_head.jpg", "exif_MM_6_count0.jpg", "xmp_6_none.jpg",
    "xmp_6_zero.jpg", "png_3_4_1.png", "png_6_16_1.png", "png_2_16_0_trns.png", "png_rawexif_6.png", "png_xmpz_8.png",
    "gif_out_local.gif", "gif_off_trans_interlaced.gif", "bmp_565_52.bmp", "bmp_8888_124.bmp", "bmp_rle8_down.bmp",
    "bmp_rle4.bmp", "bmp_none.dib", "bmp_offset0.bmp", "webp_odd_exif_6.webp", "webp_alpha_50.webp", "avif_alpha.avif",
    "avif_xmp_6.avif", "pbm_comment.pbm", "tif_cmyk_lzw_planar.tif", "tif_c16_deflate_tile.tif", "tif_rgb_jpeg_tile.tif",
    "tif_rgba_lzw_predictor.tif", "tif_p_packbits_big.tif", "tif_l_none_cut.tif", "tif_fill_order.tif", "tif_bits4.tif",
    "tif_rgbaa_deflate_planar.tif", "tif_big_6.tif", "tif_ycc.tif",
]


def scene(width=W, height=H):
    """A part of a picture, with squares of the purest colours."""
    picture = Image.open(os.path.join(HERE, "../picture/testdata/scene.jpg")).convert("RGB").resize((width, height))
    draw = ImageDraw.Draw(picture)
    for i, colour in enumerate(["red", "blue", "lime", "yellow", "black", "white", "cyan", "magenta"]):
        draw.rectangle((4 * i, 2 * i, 4 * i + 6, 2 * i + 5), fill=colour)
    return picture


RGB = scene()
RGBA = RGB.convert("RGBA")
RGBA.putalpha(Image.linear_gradient("L").resize(RGB.size))
PIXELS, ALPHA = np.asarray(RGB), np.asarray(RGBA)[..., 3]
GREY = np.asarray(RGB.convert("L"))


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def read(name):
    with open(name, "rb") as f:
        return f.read()


# JPEG

MODES = {
    "b": [], "p": ["-progressive"], "a": ["-arithmetic"], "pa": ["-progressive", "-arithmetic"],
    "r1": ["-restart", "1B"], "pr1": ["-progressive", "-restart", "1B"], "o": ["-optimize"],
}
RATIOS = """1x1 2x1 1x2 2x2 4x1 1x4 4x2 2x4 3x1 1x3 3x2 4x4 2x1,2x1,1x1 2x2,2x1,1x1 2x2,1x2,2x1 2x2,1x1,2x2 1x1,2x1,1x1
1x1,1x2,1x1 1x1,2x2,2x2 4x1,2x1,1x1 4x1,1x1,2x1 1x4,1x2,1x1 3x1,2x1,1x1 2x1,1x2,1x1 4x2,2x1,1x2 3x2,1x1,1x1
2x3,1x1,1x1 3x3,1x1,1x1 4x4,1x1,1x1""".split()
SEQUENTIAL = "0;1;2;\n"


def cjpeg(name, *arguments, picture=RGB, scans=None):
    picture.save("t.ppm")
    if scans:
        write("t.scans", scans.encode())
        arguments = ["-scans", "t.scans", *arguments]
    made = subprocess.run(["cjpeg", *arguments, "t.ppm"], capture_output=True)
    if made.returncode == 0:
        write(name + ".jpg", made.stdout)
    return made.stdout


def segments(data):
    """Where a JPEG's markers stand, up to the first scan's."""
    places, at = {}, 2
    while True:
        places[data[at + 1]] = at
        if data[at + 1] == 0xDA:
            return places
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def jpegs():
    for ratio in RATIOS:
        name = "s_" + ratio.replace(",", "_")
        for mode, arguments in MODES.items():
            cjpeg(f"{name}_{mode}", "-sample", ratio, "-quality", "80", *arguments)
        cjpeg(f"{name}_seq", "-sample", ratio, scans=SEQUENTIAL)
        cjpeg(f"{name}_seqr", "-sample", ratio, "-restart", "1B", scans=SEQUENTIAL)
        cjpeg(f"{name}_two", "-sample", ratio, "-restart", "3B", scans="0;2 1;\n")
    for w, h in [(1, 1), (1, 17), (3, 5), (9, 9), (16, 1), (17, 33), (65, 2), (31, 15), (4, 300), (300, 3)]:
        for ratio in ["1x1", "2x1", "1x2", "2x2", "4x1", "2x2,1x2,2x1"]:
            for mode in "bp":
                cjpeg(f"size_{w}x{h}_{ratio}_{mode}", "-sample", ratio, *MODES[mode], picture=scene(w, h))
    for mode, arguments in MODES.items():
        cjpeg(f"grey_{mode}", "-grayscale", *arguments)
        cjpeg(f"grey_2x2_{mode}", "-grayscale", "-sample", "2x2", *arguments)
        cjpeg(f"rgb_{mode}", "-rgb", *arguments)
        for quality in ["1", "60", "100"]:
            cjpeg(f"quality_{quality}_{mode}", "-quality", quality, *arguments)
    cjpeg("dc_only", scans="0,1,2: 0-0,0,3;\n0,1,2: 0-0,3,2;\n0,1,2: 0-0,2,1;\n0,1,2: 0-0,1,0;\n")
    cjpeg("missing", scans="0,1,2: 0-0,0,0;\n0: 1-5,0,2;\n")
    for name, arguments in {"plain": {}, "progressive": {"progressive": True}, "420": {"subsampling": 2}}.items():
        RGB.convert("CMYK").save(f"cmyk_{name}.jpg", **arguments)
    for mode in MODES:
        damaged_jpegs(mode, read(f"s_2x2_{mode}.jpg"))
    restarts(read("s_2x2_r1.jpg"))


def damaged_jpegs(mode, data):
    scan = segments(data)[0xDA]
    for name, changed in {
        "surplus": data + bytes(100), "twice": data + data, "noend": data[:-2], "fill": data[:2] + b"\xff" * 4 + data[2:],
        "comment": data[:2] + b"\xff\xfe\0\x06abcd" + data[2:], "garbage": data[:scan] + b"\0\1\2" + data[scan:],
    }.items():
        if not (name == "noend" and "a" in mode):
            write(f"{name}_{mode}.jpg", changed)
    for percent in range(5, 100, 6):
        write(f"cut_{mode}_{percent}.jpg", data[: len(data) * percent // 100])


def restarts(data):
    scan = segments(data)[0xDA]
    places = [i for i in range(scan, len(data) - 1) if data[i] == 0xFF and 0xD0 <= data[i + 1] <= 0xD7]
    at, after = places[3], places[4]
    number = data[at + 1] - 0xD0
    for name, new in {"missing": b"", "fill": b"\xff\xff" + data[at : at + 2], "junk": b"abc" + data[at : at + 2],
                      **{k: bytes([0xFF, 0xD0 + (number + d) % 8]) for k, d in [("next", 1), ("far", 4), ("prev", -1)]}}.items():
        write(f"rst_{name}.jpg", data[:at] + new + data[at + 2 :])
    write("rst_lost.jpg", data[:at] + data[after:])


def tiff_header(order, entries, claims=None, offset=8):
    """A TIFF structure of a directory, as EXIF is."""
    e = "<" if order == "II" else ">"
    out = order.encode() + struct.pack(e + "HI", 42, offset) + bytes(offset - 8)
    out += struct.pack(e + "H", len(entries) if claims is None else claims)
    for tag, kind, n, value in entries:
        inline = {4: "I", 9: "I", 13: "I"}.get(kind, "HH")
        values = (value,) if inline == "I" else (value, 0)
        out += struct.pack(e + "HHI", tag, kind, n) + (
            bytes([value, 0, 0, 0]) if kind in (1, 6) else struct.pack(e + inline, *values))
    return out + bytes(4)


def xmp(turn):
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % turn


def app1(plain, body):
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def orientations():
    scene(24, 16).save("t.jpg")
    plain = read("t.jpg")
    make, turn = (0x10F, 3, 1, 5), 0x112
    for order in "II", "MM":
        for o in range(10):
            for kind in 1, 3, 4, 6, 8, 9:
                body = tiff_header(order, [make, (turn, kind, 1, o)])
                write(f"exif_{order}_{o}_type{kind}.jpg", app1(plain, b"Exif\0\0" + body))
        for o in 3, 6, 8:
            right = (turn, 3, 1, o)
            for name, body in {
                "claims": tiff_header(order, [make, right], claims=500), "unknown": tiff_header(order, [(0x10F, 99, 1, 5), right]),
                "type0": tiff_header(order, [(0x10F, 0, 1, 5), right]), "huge": tiff_header(order, [(0x10F, 2, 2**31 - 1, 5), right]),
                "offset": tiff_header(order, [right], offset=13), "unsorted": tiff_header(order, [(0x213, 3, 1, 1), right]),
                "count2": tiff_header(order, [(turn, 3, 2, o)]), "count0": tiff_header(order, [(turn, 3, 0, o)]),
                "nonext": tiff_header(order, [right])[:-4],
            }.items():
                write(f"exif_{order}_{o}_{name}.jpg", app1(plain, b"Exif\0\0" + body))
            write(f"exif_{order}_{o}_head.jpg", app1(plain, b"Exif\0\xff" + tiff_header(order, [right])))
    for o in 0, 3, 6, 8, 9:
        with_xmp = app1(plain, b"http://ns.adobe.com/xap/1.0/\0" + xmp(o))
        write(f"xmp_{o}.jpg", with_xmp)
        for name, entries in {"upright": [(turn, 3, 1, 1)], "none": [make], "zero": [(turn, 3, 1, 0)]}.items():
            write(f"xmp_{o}_{name}.jpg", app1(with_xmp, b"Exif\0\0" + tiff_header("II", entries)))


# PNG

def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def packed(row, depth):
    if depth >= 8:
        return row.astype(">u2" if depth == 16 else "u1").tobytes()
    text = "".join(format(int(v), f"0{depth}b") for v in row.ravel())
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def filtered(rows, distance):
    """The rows with each filter in turn."""
    out, above = b"", bytes(len(rows[0]))
    for y, row in enumerate(rows):
        out += bytes([y % 5])
        for i, v in enumerate(row):
            a, b, c = row[i - distance] if i >= distance else 0, above[i], above[i - distance] if i >= distance else 0
            nearest = min((a, b, c), key=lambda k: abs(a + b - c - k))
            out += bytes([(v - [0, a, b, (a + b) // 2, nearest][y % 5]) & 255])
        above = row
    return out


def scanlines(pixels, depth, interlaced):
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [pixels[y::dy, x::dx] for x, y, dx, dy in passes]
    return b"".join(filtered([packed(row, depth) for row in p], max(1, depth * channels // 8)) for p in parts if p.size)


def png(pixels, depth, kind, interlaced=0, before=b"", after=b"", end=True, data=None):
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, kind, 0, 0, interlaced)
    data = zlib.compress(scanlines(pixels, depth, interlaced)) if data is None else data
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", data) + after
            + (chunk(b"IEND", b"") if end else b""))


def pngs():
    rng = np.random.default_rng(1)
    wide = PIXELS.astype(int) * 257 + rng.integers(0, 200, PIXELS.shape)
    grey = GREY.astype(int) * 257
    wide, grey, alpha = np.minimum(wide, 65535), np.minimum(grey + 50, 65535), ALPHA.astype(int) * 257
    for kind, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            pixels = {0: grey, 2: wide, 3: grey, 4: np.dstack([grey, alpha]), 6: np.dstack([wide, alpha])}[kind] >> (16 - depth)
            palette = b""
            if kind == 3:
                few = RGB.quantize(1 << depth)
                pixels, palette = np.asarray(few), chunk(b"PLTE", (bytes(few.getpalette()) + bytes(768))[: 3 << depth])
            for interlaced in 0, 1:
                name = f"png_{kind}_{depth}_{interlaced}"
                write(name + ".png", png(pixels, depth, kind, interlaced, palette))
                if kind in (0, 2, 3):
                    clear = bytes([0, 128]) if kind == 3 else np.atleast_1d(pixels[3, 3]).astype(">u2").tobytes()
                    write(name + "_trns.png", png(pixels, depth, kind, interlaced, palette + chunk(b"tRNS", clear)))
    wrong = lambda c: c[:-1] + bytes([c[-1] ^ 1])
    for name, extra in {
        "gamma": chunk(b"gAMA", struct.pack(">I", 45455)), "srgb": chunk(b"sRGB", b"\0"), "unknown": chunk(b"abCd", b"xyz"),
        "critical": chunk(b"ABCD", b"xyz"), "wrong": wrong(chunk(b"tEXt", b"a\0b")), "profile": chunk(b"iCCP", b"a\0\0x"),
    }.items():
        write(f"png_{name}.png", png(PIXELS, 8, 2, 0, extra))
        write(f"png_{name}_after.png", png(PIXELS, 8, 2, 0, b"", extra))
    data = zlib.compress(scanlines(PIXELS, 8, 0))
    write("png_noend.png", png(PIXELS, 8, 2, end=False))
    write("png_surplus.png", png(PIXELS, 8, 2, data=zlib.compress(scanlines(PIXELS, 8, 0) + bytes(999))))
    write("png_garbage.png", png(PIXELS, 8, 2, after=chunk(b"IDAT", b"garbage")))
    write("png_adler.png", png(PIXELS, 8, 2, data=wrong(data)))
    whole = png(PIXELS, 8, 2)
    for percent in range(10, 100, 6):
        write(f"png_cut_{percent}.png", whole[: len(whole) * percent // 100])
    for o in range(1, 9):
        exif = tiff_header("MM" if o & 1 else "II", [(0x112, 3 + o % 2, 1, o)])
        text = b"\nexif\n%8d\n" % (len(exif) + 6) + (b"Exif\0\0" + exif).hex().encode()
        for name, extra in {
            "exif": chunk(b"eXIf", exif), "rawexif": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)),
            "xmp": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(o)),
            "xmpz": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(o))),
        }.items():
            write(f"png_{name}_{o}.png", png(PIXELS, 8, 2, 0, extra))
            write(f"png_{name}_{o}_after.png", png(PIXELS, 8, 2, 0, b"", extra))


# GIF

def lzw(pixels, size):
    """Codes that never grow a table: each pixel as it is, cleared often enough."""
    clear, codes = 1 << size, []
    for i, v in enumerate(pixels):
        if i % (clear - 2) == 0:
            codes.append(clear)
        codes.append(int(v))
    total = sum(c << (i * (size + 1)) for i, c in enumerate([*codes, clear + 1]))
    return total.to_bytes((len(codes) + 1) * (size + 1) // 8 + 1, "little")


def gif(screen, place, colours, interlaced=False, local=False, transparent=None, version=b"GIF89a", end=b";"):
    few = RGB.quantize(1 << colours)
    palette, pixels = (bytes(few.getpalette()) + bytes(768))[: 3 << colours], np.asarray(few)
    if interlaced:
        pixels = np.concatenate([pixels[0::8], pixels[4::8], pixels[2::4], pixels[1::2]])
    out = version + struct.pack("<HHBBB", *screen, 0x70 | (0 if local else 0x80 | colours - 1), 0, 0)
    out += b"" if local else palette
    if transparent is not None:
        out += b"\x21\xf9\4\1\0\0" + bytes([transparent, 0])
    out += b"," + struct.pack("<HHHHB", *place, W, H, (0x80 | colours - 1 if local else 0) | 0x40 * interlaced)
    data = lzw(pixels.ravel(), max(2, colours))
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return out + (palette if local else b"") + bytes([max(2, colours)]) + blocks + b"\0" + end


def gifs():
    screens = {"plain": ((W, H), (0, 0)), "off": ((W + 11, H + 9), (5, 4)), "out": ((W - 10, H - 10), (5, 4)),
               "zero": ((0, 0), (0, 0)), "beyond": ((20, 20), (30, 25)), "large": ((W + 20, H + 30), (0, 0))}
    for name, (screen, place) in screens.items():
        for kind, arguments in {
            "": {}, "_local": {"local": True}, "_trans": {"transparent": 3}, "_trans_interlaced": {"transparent": 0, "interlaced": True},
            "_87": {"version": b"GIF87a"}, "_noend": {"end": b""}, "_surplus": {"end": b"junk" * 20},
        }.items():
            write(f"gif_{name}{kind}.gif", gif(screen, place, 8, **arguments))
    for colours in range(1, 8):
        write(f"gif_colours{colours}.gif", gif((W, H), (0, 0), colours))
    whole = gif((W, H), (0, 0), 8)
    for percent in range(50, 100, 7):
        write(f"gif_cut_{percent}.gif", whole[: len(whole) * percent // 100])


# BMP

def bmp(body, depth, kind=0, header=40, palette=b"", masks=b"", down=False, offset=None):
    if header == 12:
        head = struct.pack("<IHHHH", 12, W, H, 1, depth)
    else:
        head = struct.pack("<IiiHHIIiiII", header, W, -H if down else H, 1, depth, kind, len(body), 0, 0, 0, 0)
        if header > 40:
            head, masks = head + (masks + bytes(200))[: header - 40], b""
    at = 14 + len(head) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at if offset is None else offset) + head + masks + palette + body


def rows(pixels):
    return b"".join(r.tobytes() + bytes(-len(r.tobytes()) % 4) for r in pixels)


def runs(pixels, depth):
    """Run-length coding with runs, plain pixels and jumps."""
    out, rng = b"", random.Random(1)
    for row in pixels:
        row, i = [int(v) for v in row], 0
        while i < len(row):
            n = min(rng.choice([1, 3, 5, 8]), len(row) - i)
            if rng.random() < 0.1 and i + n < len(row):
                out += bytes([0, 2, n, 0])
            elif n >= 3:
                some = row[i : i + n] + [0]
                plain = bytes(some[:n]) if depth == 8 else bytes(some[k] << 4 | some[k + 1] for k in range(0, n, 2))
                out += bytes([0, n]) + plain + bytes(len(plain) % 2)
            else:
                n = 1
                out += bytes([1, row[i] if depth == 8 else row[i] << 4])
            i += n
        out += b"\0\0"
    return out + b"\0\1"


def bmps():
    up = np.asarray(RGBA)[::-1].astype("u4")
    r, g, b, a = (up[..., i] for i in range(4))
    fields = {"565": (16, (r >> 3) << 11 | (g >> 2) << 5 | b >> 3, (0xF800, 0x7E0, 0x1F, 0)),
              "555": (16, (r >> 3) << 10 | (g >> 3) << 5 | b >> 3, (0x7C00, 0x3E0, 0x1F, 0)),
              "888": (32, r << 16 | g << 8 | b, (0xFF0000, 0xFF00, 0xFF, 0)),
              "8888": (32, a << 24 | r << 16 | g << 8 | b, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
              "abgr": (32, r << 24 | g << 16 | b << 8 | a, (0xFF000000, 0xFF0000, 0xFF00, 0xFF))}
    for name, (depth, pixels, masks) in fields.items():
        pixels, masks = pixels.astype(f"<u{depth // 8}"), struct.pack("<IIII", *masks)
        write(f"bmp_{name}_40.bmp", bmp(rows(pixels), depth, 3, masks=masks[:12]))
        write(f"bmp_{name}_down.bmp", bmp(rows(pixels[::-1]), depth, 3, masks=masks[:12], down=True))
        for header in 52, 56, 108, 124:
            write(f"bmp_{name}_{header}.bmp", bmp(rows(pixels), depth, 3, header, masks=masks))
    bgr = np.ascontiguousarray(PIXELS[::-1, :, ::-1])
    for header in 12, 40, 52, 56, 64, 108, 124:
        write(f"bmp_24_{header}.bmp", bmp(rows(bgr), 24, header=header))
    write("bmp_offset0.bmp", bmp(rows(bgr), 24, offset=0))
    write("bmp_none.dib", bmp(rows(bgr), 24)[14:])
    whole = bmp(rows(bgr), 24)
    for percent in 10, 30, 50, 70, 90, 99:
        write(f"bmp_cut_{percent}.bmp", whole[: len(whole) * percent // 100])
    for depth in 1, 4, 8:
        few = RGB.quantize(1 << depth)
        colours = np.array((few.getpalette() + [0] * 768)[: 3 << depth], "u1").reshape(-1, 3)[:, ::-1]
        four, three = np.pad(colours, ((0, 0), (0, 1))).tobytes(), colours.tobytes()
        pixels = np.asarray(few)[::-1]
        body = b"".join((lambda p: p + bytes(-len(p) % 4))(packed(row, depth)) for row in pixels)
        for header, palette in {12: three, 40: four, 64: four, 124: four}.items():
            write(f"bmp_p{depth}_{header}.bmp", bmp(body, depth, header=header, palette=palette))
        if depth > 1:
            coded = runs(pixels, depth)
            write(f"bmp_rle{depth}.bmp", bmp(coded, depth, {8: 1, 4: 2}[depth], palette=four))
            write(f"bmp_rle{depth}_down.bmp", bmp(coded, depth, {8: 1, 4: 2}[depth], palette=four, down=True))


def netpbms():
    for most in 1, 15, 100, 255, 256, 1000, 65534, 65535:
        kind = ">u2" if most > 255 else "u1"
        for number, pixels in {5: GREY, 6: PIXELS}.items():
            values = pixels.astype(int) * most // 255
            end = ".pgm" if number == 5 else ".ppm"
            write(f"raw_{most}{end}", b"P%d # c\n%d %d\n%d\n" % (number, W, H, most) + values.astype(kind).tobytes())
            plain = " ".join(map(str, values.ravel())).encode()
            write(f"plain_{most}{end}", b"P%d %d %d %d\n" % (number - 3, W, H, most) + plain)
    bits = b"\n".join(b"".join(b"1" if v else b"0" for v in row) for row in GREY < 128)
    write("pbm_comment.pbm", b"P1\n#c\n%d %d\n#d\n" % (W, H) + bits)
    write("pbm_raw.pbm", b"P4 %d %d\n" % (W, H) + np.packbits(GREY < 128, axis=1).tobytes())
    for percent in 20, 50, 99:
        whole = b"P6 %d %d 255\n" % (W, H) + PIXELS.tobytes()
        write(f"ppm_cut_{percent}.ppm", whole[: len(whole) * percent // 100])


def webps_and_avifs():
    for quality in 0, 10, 50, 90, 100:
        for method in 0, 4, 6:
            RGB.save(f"webp_{quality}_{method}.webp", quality=quality, method=method)
        RGBA.save(f"webp_alpha_{quality}.webp", quality=quality, alpha_quality=quality)
        RGB.quantize(2 + quality).convert("RGB").save(f"webp_palette_{quality}.webp", lossless=True)
    RGBA.save("webp_lossless.webp", lossless=True)
    RGBA.save("webp_lossless_exact.webp", lossless=True, exact=True)
    turns = [RGB.rotate(90 * i) for i in range(3)]
    for name, arguments in {"lossless": {"lossless": True}, "lossy": {"quality": 70}, "mixed": {"allow_mixed": True}}.items():
        turns[0].save(f"webp_anim_{name}.webp", save_all=True, append_images=turns[1:], **arguments)
    for w, h in [(1, 1), (3, 3), (1, 7), (7, 1), (16, 17), (33, 31)]:
        scene(w, h).save(f"webp_{w}x{h}.webp")
    for quality in 20, 60, 100:
        for sampling in "4:2:0", "4:2:2", "4:4:4", "4:0:0":
            RGB.save(f"avif_{quality}_{sampling.replace(':', '')}.avif", quality=quality, subsampling=sampling)
    RGBA.save("avif_alpha.avif", quality=60)
    for o in range(1, 9):
        exif = tiff_header("MM", [(0x112, 3, 1, o)])
        RGB.save(f"webp_exif_{o}.webp", exif=exif)
        RGBA.save(f"webp_odd_exif_{o}.webp", exif=exif + b"\0")
        RGB.save(f"webp_xmp_{o}.webp", xmp=xmp(o))
        RGB.save(f"avif_exif_{o}.avif", exif=exif, subsampling="4:4:4")
        RGB.save(f"avif_xmp_{o}.avif", xmp=xmp(o), subsampling="4:4:4")


def tiffs():
    few = RGB.quantize(200)
    palette = np.array(few.getpalette()[:600] + [0] * 168).reshape(256, 3).T.astype("u2") * 257
    cmyk, rgba = np.asarray(RGB.convert("CMYK")), np.asarray(RGBA)
    kinds = {
        "rgb": (PIXELS, {"photometric": "rgb"}), "rgba": (rgba, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        "rgbaa": (rgba, {"photometric": "rgb", "extrasamples": ["assocalpha"]}), "l": (GREY, {"photometric": "minisblack"}),
        "rgbx": (rgba, {"photometric": "rgb", "extrasamples": ["unspecified"]}), "lw": (GREY, {"photometric": "miniswhite"}),
        "la": (np.dstack([GREY, ALPHA]), {"photometric": "minisblack", "extrasamples": ["unassalpha"]}),
        "cmyk": (cmyk, {"photometric": "separated"}), "p": (np.asarray(few), {"photometric": "palette", "colormap": palette}),
        "g16": (GREY.astype("u2") * 257, {"photometric": "minisblack"}), "c16": (PIXELS.astype("u2") * 257, {"photometric": "rgb"}),
        "w16": (GREY.astype("u2") * 257, {"photometric": "miniswhite"}), "cmyk16": (cmyk.astype("u2") * 257, {"photometric": "separated"}),
    }
    for kind, (pixels, tags) in kinds.items():
        for compression in "none", "lzw", "zlib", "packbits", "jpeg":
            name = f"tif_{kind}_{compression.replace('zlib', 'deflate')}"
            tags["compression"] = None if compression == "none" else compression
            for variant, more in {
                "": {}, "_MM": {"byteorder": ">"}, "_strips": {"rowsperstrip": 7}, "_tile": {"tile": (16, 32)}, "_big": {"bigtiff": True},
                "_predictor": {"predictor": True}, "_planar": {"planarconfig": "separate"},
            }.items():
                if variant == "_planar" and pixels.ndim < 3 or variant == "_predictor" and compression not in ("lzw", "zlib"):
                    continue
                planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if variant == "_planar" else pixels
                try:
                    tifffile.imwrite(f"{name}{variant}.tif", planes, **tags, **more)
                except Exception:  # of many kinds: what JPEG cannot hold
                    if os.path.exists(f"{name}{variant}.tif"):
                        os.remove(f"{name}{variant}.tif")
    for bits in 2, 4:
        tifffile.imwrite(f"tif_bits{bits}.tif", GREY >> (8 - bits), bitspersample=bits, photometric="minisblack")
    backwards = np.array([int(f"{v:08b}"[::-1], 2) for v in range(256)], "u1")
    tags = {256: W, 257: H, 258: 8, 259: 1, 262: 1, 266: 2, 273: 8 + 2 + 10 * 12 + 4, 277: 1, 278: H, 279: W * H}
    entries = [(tag, 4, 1, value) for tag, value in tags.items()]
    write("tif_fill_order.tif", tiff_header("II", entries) + backwards[GREY].tobytes())
    for compression in "group3", "group4", "packbits", "tiff_adobe_deflate":
        RGB.convert("1").save(f"tif_1_{compression}.tif", compression=compression)
    RGB.convert("YCbCr").save("tif_ycc.tif")
    RGB.convert("YCbCr").save("tif_ycc_jpeg.tif", compression="jpeg")
    RGB.save("tif_pages.tif", save_all=True, append_images=[RGB.rotate(90)])
    for o in range(1, 9):
        RGB.save(f"tif_{o}.tif", tiffinfo={274: o}, compression="tiff_lzw")
        RGB.save(f"tif_big_{o}.tif", tiffinfo={274: o}, big_tiff=True)
        RGB.save(f"tif_xmp_{o}.tif", tiffinfo={700: xmp(o)})
    for kind in "rgb", "l":
        whole = read(f"tif_{kind}_none.tif")
        write(f"tif_{kind}_none_cut.tif", whole[: len(whole) * 2 // 3])


def shown(path):
    """What Pillow shows, over white."""
    picture = Image.open(path)
    picture.load()
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        return Image.fromarray((np.asarray(picture).astype(int) >> 8).astype("u1")).convert("RGB")
    if picture.mode in ("P", "LA", "La", "PA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture)
        picture = white
    return picture.convert("RGB")


def make(folder):
    """Writes the files, and what Pillow shows to folder/expected; returns the names of those that it reads."""
    os.chdir(folder)
    for write_some in jpegs, orientations, pngs, gifs, bmps, netpbms, webps_and_avifs, tiffs:
        write_some()
    for left in "t.ppm", "t.scans", "t.jpg":
        os.remove(left)
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    names = sorted(os.listdir("."))
    os.mkdir("expected")
    used = []
    for name in names:
        try:
            expected = shown(name)
        except Exception:  # of many kinds
            expected = None
        if expected is None or any(fnmatch.fnmatch(name, pattern) for pattern in WRONG):
            os.remove(name)
            continue
        expected.save(f"expected/{name}.png", optimize=True)
        used.append(name)
    return used


def keep(names, testdata):
    for part in "further", "expected/further":
        shutil.rmtree(os.path.join(testdata, part), ignore_errors=True)
        os.makedirs(os.path.join(testdata, part))
    for pattern in KEPT:
        kept = fnmatch.filter(names, pattern)
        if not kept:
            sys.exit(f"pictures.py: nothing is called {pattern}")
        shutil.copy(kept[0], os.path.join(testdata, "further"))
        shutil.copy(f"expected/{kept[0]}.png", os.path.join(testdata, "expected/further"))


def main():
    if not shutil.which("cjpeg"):
        sys.exit("pictures.py: No module named cjpeg; apt install libjpeg-turbo-progs")
    with tempfile.TemporaryDirectory() as folder:
        testdata = os.path.abspath(sys.argv[2]) if sys.argv[1] == "--fixture" else ""
        names = make(folder)
        if testdata:
            return keep(names, testdata)
        print(f"{len(names)} pictures that Pillow {__version__} reads")
        test = ["go", "test", "-count=1", "-run", "TestMorePictures", "./internal/picture"]
        status = subprocess.run(test, cwd=os.path.join(HERE, "../.."), env={**os.environ, "INCEPTION_PICTURES": folder}).returncode
        os.chdir("/")
        sys.exit(status)


main()
