#!/usr/bin/env python3
"""Makes dr-director-bypassed from healthy-dr: every second connection reaches its
real server from the router's MAC, past the director, as with a wrong neighbour
entry on the router. Frames are moved and their MACs and TTLs changed; nothing
else is touched. Run from the repository's root."""
import os, struct
src, dst = "samples/healthy-dr", "samples/dr-director-bypassed"
ROUTER, DIRECTOR = bytes.fromhex("52540081" "03a5"), bytes.fromhex("5254001cb839")
os.makedirs(dst, exist_ok=True)
def records(path):
    data = open(path, "rb").read(); at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at:at + 16], bytearray(data[at + 16:at + 16 + size]); at += 16 + size
def port(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] != 6: return None
    a, b = struct.unpack_from(">HH", frame, 34)
    return a if b == 80 else b
ports = []
for _, frame in records(f"{src}/client.pcap"):
    p = port(frame)
    if p and p not in ports: ports.append(p)
past = set(ports[1::2])
def checksum(frame):
    frame[24:26] = b"\0\0"
    total = sum(struct.unpack(">10H", frame[14:34]))
    total = (total & 0xffff) + (total >> 16); total = (total & 0xffff) + (total >> 16)
    struct.pack_into(">H", frame, 24, ~total & 0xffff)
for name in sorted(os.listdir(src)):
    if not name.endswith(".pcap"): continue
    out = open(f"{src}/{name}", "rb").read(24)
    for head, frame in records(f"{src}/{name}"):
        if port(frame) in past:
            if name == "director.pcap": continue
            if frame[6:12] == DIRECTOR:
                frame[6:12] = ROUTER; frame[22] += 1; checksum(frame)
        out += head + bytes(frame)
    open(f"{dst}/{name}", "wb").write(out)
