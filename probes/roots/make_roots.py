#!/usr/bin/env python3
"""Makes the list of public roots that the binary carries: Mozilla's, as Debian's ca-certificates packages it (MPL 2.0).

    probes/roots/make_roots.py /usr/share/ca-certificates/mozilla probes/roots/mozilla.der.gz

The certificates in DER, one after the other in the order of their names, compressed; the same bytes every time."""
import gzip
import pathlib
import ssl
import sys


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    roots = [ssl.PEM_cert_to_DER_cert(path.read_text()) for path in sorted(source.glob("*.crt"))]
    packed = gzip.compress(b"".join(roots), compresslevel=9, mtime=0)
    target.write_bytes(packed)
    print(f"{target}: {len(roots)} roots, {len(packed)} bytes")


if __name__ == "__main__":
    main()
