#!/usr/bin/env python3
"""Makes data/common_passwords.bloom from a list of passwords, one a line (data/README.md says which).

Entries shorter than 8 bytes are left out: no account may have one. ASCII letters are put in lower case, as the look-up
does. Format: docs/formats/common_passwords.md. The same list gives the same bytes.
"""
import hashlib
import struct
import sys

BITS = 1 << 23
HASHES = 8
LEAST = 8


def main() -> None:
    source, target = sys.argv[1], sys.argv[2]
    with open(source, "rb") as file:
        entries = {line.rstrip(b"\r\n").lower() for line in file}
    kept = sorted(entry for entry in entries if len(entry) >= LEAST)
    field = bytearray(BITS // 8)
    for entry in kept:
        for index in struct.unpack("<8I", hashlib.sha256(entry).digest()):
            index %= BITS
            field[index // 8] |= 1 << (index % 8)
    with open(target, "wb") as file:
        file.write(b"FDCOMMON" + struct.pack("<IIII", 1, BITS, HASHES, len(kept)) + bytes(field))
    print(f"{len(kept)} of {len(entries)} entries")


main()
