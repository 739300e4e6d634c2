"""The oldest browsers that the page supports, and since when browsers have what it uses.

The versions are those in MDN's browser-compat-data. A name that is in no table is an error: look it
up when you begin to use it.
"""

from typing import NamedTuple


class Versions(NamedTuple):
    """The first version of Chrome, Firefox and Safari."""

    chrome: float
    firefox: float
    safari: float

    def are_within(self, others: "Versions") -> bool:
        """Return whether none of these is newer than in `others`."""
        return all(own <= other for own, other in zip(self, others, strict=True))


OLDEST = Versions(87, 105, 16.4)

SYNTAX = {
    "**": Versions(52, 52, 10.1),
    "...": Versions(60, 55, 11.1),
    "?.": Versions(80, 74, 13.1),
    "??": Versions(80, 72, 13.1),
    "??=": Versions(85, 79, 14),
    "||=": Versions(85, 79, 14),
    "&&=": Versions(85, 79, 14),
    "catch {": Versions(66, 58, 11.1),
    "function*": Versions(39, 26, 10),
    "for await": Versions(63, 57, 12),
    "a static block": Versions(94, 93, 16.4),
    "a private name": Versions(84, 90, 14.1),
    "a BigInt": Versions(67, 68, 14),
    "a digit separator": Versions(75, 70, 13),
    "a lookbehind": Versions(62, 78, 16.4),
    "a named group": Versions(64, 78, 11.1),
    "the flag s": Versions(62, 78, 11.1),
    "the flag d": Versions(90, 88, 15),
    "the flag v": Versions(112, 116, 17),
}

NAMES = {
    "AbortController": Versions(66, 57, 12.1),
    "OffscreenCanvas": Versions(69, 105, 16.4),
    "PluralRules": Versions(63, 58, 13),
    "ResizeObserver": Versions(64, 69, 13.1),
    "abort": Versions(66, 57, 12.1),
    "arrayBuffer": Versions(76, 69, 14),  # of a Blob
    "blockSize": Versions(57, 41, 12.1),
    "clipboard": Versions(66, 63, 13.1),
    "createImageBitmap": Versions(50, 42, 15),
    "finally": Versions(63, 58, 11.1),
    "fromEntries": Versions(73, 63, 12.1),
    "hardwareConcurrency": Versions(37, 48, 15.4),
    "matchAll": Versions(73, 67, 13),
    "replaceAll": Versions(85, 77, 13.1),
    "replaceChildren": Versions(86, 78, 14),
    "text": Versions(76, 69, 14),  # of a Blob
    "transferFromImageBitmap": Versions(66, 52, 11.1),
    "transferToImageBitmap": Versions(69, 105, 16.4),
    "writeText": Versions(66, 63, 13.1),
}

OPTIONAL = {
    "createPolicy": "called where there are trusted types",
    "createScriptURL": "the same",
    "imageSmoothingQuality": "of a picture: without it, the picture is coarser",
    "trustedTypes": "read with ?.",
}

_OLD = """
Array ArrayBuffer Blob Boolean DataView Date DateTimeFormat Error Float32Array Float64Array
ImageData Int32Array Intl JSON Map Math Number Object Option PI Promise RangeError Set String
TextEncoder TypeError URL Uint8Array Worker abs accept add addEventListener append assign atob back
buffer byteLength byteOffset catch cbrt ceil charCodeAt checked classList clearTimeout click
clientHeight close contentWindow cos createElement createObjectURL crypto data dataTransfer
dataset delete dir disabled document documentElement drawImage encode every exec exp fetch fill
fillRect fillStyle filter find floor focus forEach format forward from fromCharCode fround get
getBoundingClientRect getContext getElementById getImageData getInt32 getRandomValues getUint16
getUint32 getUint8 hidden history href imageSmoothingEnabled imul includes indexOf isArray
isComposing isConnected isInteger join json keys lang languages location map match max min
multiple navigator observe ok onchange onerror oninput onmessage onsubmit origin padStart parse
persisted pop postMessage preventDefault print protocol push pushState querySelector
querySelectorAll reduce reload remove removeAttribute removeEventListener replace replaceState
reset reverse revokeObjectURL rotate round scale scrollHeight scrollTo select set setAttribute
setTimeout setUint32 setUint8 slice some sort split sqrt startsWith stringify style subarray
tabIndex terminate test textContent then toLowerCase toString toUpperCase toggle translate trim
trunc values
"""
OLD = set(_OLD.split())
"""Names in Chrome 61, Firefox 60 and Safari 11: before those there are no modules, and no page."""

_OWN = """
TEXTS bar case delivered_at feedback hasPicture hashingWorker i18n i18nLabel icon of
proofOfWorkWorker removeButton removed_at submitted_at withdrawal_confirmed_at
"""
OWN = set(_OWN.split())
"""Members of rows and of elements' data, fields of the service's answers, and what assemble.py puts
in front of a script."""
