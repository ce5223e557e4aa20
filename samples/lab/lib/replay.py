"""replay.py IF PORT WAIT AHEAD: sends the first full segment that leaves PORT once
more, WAIT seconds later, with a sequence number AHEAD bytes further on: 0 is an
old segment that comes late, more than a window is one that conntrack calls
INVALID."""
import socket
import sys
import time

interface, port, wait, ahead = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
ETH_P_ALL, OUTGOING = 3, 4
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
sock.bind((interface, 0))


def of_the_server(frame):
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return False
    tcp = 14 + (frame[14] & 15) * 4
    return int.from_bytes(frame[tcp : tcp + 2], "big") == port and len(frame) > 1000


def summed(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def whole(frame):
    """One MSS of it, with the checksums that the NIC would have filled in."""
    ip = bytearray(frame[14:1514])
    ip[2:4] = len(ip).to_bytes(2, "big")
    ip[10:12] = b"\0\0"
    ip[10:12] = summed(bytes(ip[:20])).to_bytes(2, "big")
    sequence = int.from_bytes(ip[24:28], "big") + ahead
    ip[24:28] = (sequence & 0xFFFFFFFF).to_bytes(4, "big")
    ip[36:38] = b"\0\0"
    pseudo = bytes(ip[12:20]) + b"\0\x06" + (len(ip) - 20).to_bytes(2, "big")
    ip[36:38] = summed(pseudo + bytes(ip[20:])).to_bytes(2, "big")
    return frame[:14] + bytes(ip)


while True:
    frame, (_, _, kind, _, _) = sock.recvfrom(262144)
    if kind == OUTGOING and of_the_server(frame):
        break
time.sleep(wait)
sock.send(whole(frame))
