"""Compressed RTF, as Outlook keeps the body of a message ([MS-OXRTFCP])."""

from __future__ import annotations

import struct

from contract.errors import DocumentUnreadable

_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096
_MAX_BYTES = 64 * 1024 * 1024


def unpack_rtf(packed: bytes) -> bytes:
    """The RTF text.

    Raises:
        DocumentUnreadable: it is damaged.
    """
    if len(packed) < 16:
        raise DocumentUnreadable("The message's text is damaged.")
    _, size, kind = struct.unpack_from("<II4s", packed)
    if kind == b"MELA":
        return packed[16 : 16 + size]
    if kind != b"LZFu":
        raise DocumentUnreadable("The message's text is packed in an unknown way.")
    return _unpack(packed, min(size, _MAX_BYTES))


def _unpack(packed: bytes, size: int) -> bytes:
    window = bytearray(_DICTIONARY + bytes(_WINDOW - len(_DICTIONARY)))
    write, at, out = len(_DICTIONARY), 16, bytearray()
    while at < len(packed) and len(out) < size:
        control, at = packed[at], at + 1
        for bit in range(8):
            if control >> bit & 1:
                token = int.from_bytes(packed[at : at + 2], "big")
                at += 2
                offset, length = token >> 4, (token & 15) + 2
                if offset == write or at > len(packed):
                    return bytes(out[:size])
                run = range(offset, offset + length)
            elif at < len(packed):
                window[write] = packed[at]
                run, at = range(write, write + 1), at + 1
            else:
                break
            for position in run:
                byte = window[position % _WINDOW]
                window[write] = byte
                out.append(byte)
                write = (write + 1) % _WINDOW
    return bytes(out[:size])
