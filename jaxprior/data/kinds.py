"""Which kinds of files are read as pictures, and what the others are, so that a message can name them.

A kind is found by the first bytes of a file. The ending of its name decides only whether a file of a folder is taken
for a picture, because a folder is searched without opening its files.
"""

from pathlib import PurePath

from PIL import features


AVIF = "avif" in features.get_supported_modules()
"""Whether this installation of Pillow reads AVIF; the usual ones do from version 11.3 on."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "GIF", *(["AVIF"] if AVIF else []))
"""The only formats that are decoded, by Pillow's names."""

EXTENSIONS = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .webp .bmp .tif .tiff .ppm .pgm .pbm .pnm .pfm .gif".split()
    + ([".avif"] if AVIF else [])
)
"""The endings of files that are taken for pictures when a folder or an archive is searched."""

ARCHIVES = frozenset(".zip .rar .7z .tar .gz .tgz .bz2 .tbz2 .xz .txz .zst .cab .iso".split())
"""The endings of archives."""

COMPANIONS = frozenset(
    ".txt .md .rst .csv .tsv .json .jsonl .xml .yaml .yml .toml .ini .cfg .log .html .htm .css .js .url .py .ipynb .sh "
    ".sha256 .md5 .aae .xmp .npy .npz .mat .h5 .safetensors .pt .pth .pkl .db".split()
)
"""The endings of files that often lie beside pictures and that nobody expects to be read as such."""

_CONVERT = "convert it to PNG or JPEG first"
_EXPORT = "export its picture as PNG or JPEG first"
_UNPACK = "unpack it and give the folder"
_FRAMES = "export its frames as PNG first"

_SIGNATURES = (
    (0, b"8BPS", "a Photoshop document (PSD)", _EXPORT),
    (0, b"gimp xcf", "a GIMP document (XCF)", _EXPORT),
    (0, b"%PDF", "a PDF document", _EXPORT),
    (0, b"%!PS", "a PostScript document (EPS)", _EXPORT),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document (EPS)", _EXPORT),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", _CONVERT),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture", _CONVERT),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", _CONVERT),
    (0, b"\xff\x0a", "a JPEG XL picture", _CONVERT),
    (0, b"v/1\x01", "an OpenEXR picture", _CONVERT),
    (0, b"#?R", "a Radiance HDR picture", _CONVERT),
    (0, b"DDS ", "a DDS texture", _CONVERT),
    (0, b"\0\0\1\0", "an icon (ICO)", _CONVERT),
    (0, b"\x01\xda", "an SGI picture", _CONVERT),
    (0, b"SIMPLE  =", "a FITS file", _CONVERT),
    (128, b"DICM", "a DICOM file", _CONVERT),
    (0, b"FUJIFILMCCD-RAW", "a raw file of a camera (RAF)", _CONVERT),
    (0, b"IIRO", "a raw file of a camera (ORF)", _CONVERT),
    (0, b"IIRS", "a raw file of a camera (ORF)", _CONVERT),
    (0, b"IIU\0", "a raw file of a camera (RW2)", _CONVERT),
    (0, b"FOVb", "a raw file of a camera (X3F)", _CONVERT),
    (0, b"\0MRM", "a raw file of a camera (MRW)", _CONVERT),
    (0, b"\x1aE\xdf\xa3", "a video (Matroska or WebM)", _FRAMES),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"PK\x03\x04", "a zip archive", _UNPACK),
)
"""Place and bytes of the marks of kinds of files that are not read, what they are, and what to do with them."""

_AVIF_BRANDS = {b"avif", b"avis"}
_BRANDS = (
    (_AVIF_BRANDS, "an AVIF picture", _CONVERT),
    ({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}, "a HEIC picture", _CONVERT),
    ({b"crx "}, "a raw file of a camera (CR3)", _CONVERT),
)
"""The same for files of the ISO base media format, which name their brands after "ftyp"; all others are videos."""

_PLAIN_NAMES = {".tga": "a TGA picture", ".svgz": "an SVG drawing", ".pcx": "a PCX picture"}
"""What some files without a mark at their beginning are, by their ending."""

_START = 1024


def what_is(data: bytes, name: str = "") -> str | None:
    """Say of a file that is not read as a picture what it is and what to do with it.

    Arguments:
        data: its first 1024 bytes or more.
        name: of the file; its ending is looked at where its bytes say nothing.

    Returns:
        a clause such as "a HEIC picture, which is not read here; convert it to PNG or JPEG first", or None for a kind
        of file that is not known.

    Example:
        >>> what_is(b"8BPS\\0\\1")
        'a Photoshop document (PSD), which is not read here; export its picture as PNG or JPEG first'
    """
    found = _marked(data) or _isobmff(data) or _text(data) or _named(data, name)
    return None if found is None else f"{found[0]}, which is not read here; {found[1]}"


def foreign_archive(data: bytes) -> str | None:
    """Say the same as `what_is` if the first bytes of a file are those of an archive that is no zip archive."""
    found = _marked(data)
    return None if found is None or found[1] != _UNPACK or "zip archive" == found[0][2:] else what_is(data)


def _marked(data: bytes) -> tuple[str, str] | None:
    for place, mark, what, advice in _SIGNATURES:
        if data[place : place + len(mark)] == mark:
            return what, advice
    return None


def _isobmff(data: bytes) -> tuple[str, str] | None:
    if data[4:8] != b"ftyp":
        return ("a video (AVI)", _FRAMES) if data[:4] == b"RIFF" and data[8:12] == b"AVI " else None
    end = min(int.from_bytes(data[:4], "big"), _START)
    brands = {data[place : place + 4] for place in (8, *range(16, end, 4))}
    if AVIF and brands & _AVIF_BRANDS:
        return None  # it is read, and if it could not be, then it is damaged
    for marks, what, advice in _BRANDS:
        if brands & marks:
            return what, advice
    return "a video (MP4 or QuickTime)", _FRAMES


def _text(data: bytes) -> tuple[str, str] | None:
    start = data[:_START].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in start:
        return "an SVG drawing", _EXPORT
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page", "download the picture itself"
    return None


def _named(data: bytes, name: str) -> tuple[str, str] | None:
    if data[-18:].startswith(b"TRUEVISION-XFILE."):
        return _PLAIN_NAMES[".tga"], _CONVERT
    what = _PLAIN_NAMES.get(PurePath(name).suffix.lower())
    return None if what is None else (what, _CONVERT)
