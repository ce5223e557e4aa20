"""A real server: answers HTTP or datagrams with its name, and logs whom it served."""
import argparse
import json
import socket
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--name", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--log", required=True)
parser.add_argument("--bind", default="", help="address, else any")
parser.add_argument("--udp", action="store_true")
parser.add_argument("--mute", action="store_true", help="take datagrams and answer none")
parser.add_argument("--status", default="200 OK")
parser.add_argument("--size", type=int, default=0, help="bytes of the body beyond the name")
parser.add_argument("--delay", type=float, default=0, help="seconds between request and answer")
parser.add_argument("--proxy", action="store_true", help="expect a PROXY v1 header, and refuse others")
args = parser.parse_args()


def log(peer, local, path, xff="-"):
    entry = {"t": time.time(), "peer": peer, "local": local, "rs": args.name, "path": path, "xff": xff}
    with open(args.log, "a") as file:
        file.write(json.dumps(entry) + "\n")


def endpoint(address):
    host, port = address[:2]
    host = host.removeprefix("::ffff:")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listening(kind):
    family = socket.AF_INET if "." in args.bind else socket.AF_INET6
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((args.bind or "::", args.port))
    except OSError:
        sock = socket.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((args.bind or "0.0.0.0", args.port))
    return sock


def head(sock, rest):
    while b"\r\n\r\n" not in rest:
        more = sock.recv(65536)
        if not more:
            return None, b""
        rest += more
    return rest.split(b"\r\n\r\n", 1)


def talk(sock, peer):
    rest = b""
    with sock:
        if args.proxy:
            rest = sock.recv(65536)
            if not rest.startswith(b"PROXY "):
                return
            rest = rest.split(b"\r\n", 1)[1]
        while True:
            request, rest = head(sock, rest)
            if request is None:
                return
            lines = request.decode("latin-1").split("\r\n")
            words = lines[0].split()
            fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
            if len(words) != 3 or not words[2].startswith("HTTP/"):
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            time.sleep(args.delay)
            body = args.name.encode() + b"\n" + b"x" * args.size
            close = fields.get("connection", "").lower() == "close"
            answer = f"HTTP/1.1 {args.status}\r\nX-Server: {args.name}\r\nContent-Length: {len(body)}\r\n"
            answer += "Connection: close\r\n\r\n" if close else "\r\n"
            sock.sendall(answer.encode() + body)
            log(endpoint(peer), endpoint(sock.getsockname()).rsplit(":", 1)[0], words[1], fields.get("x-forwarded-for", "-"))
            if close:
                return


def quietly(sock, peer):
    try:
        talk(sock, peer)
    except OSError:
        pass


if args.udp:
    sock = listening(socket.SOCK_DGRAM)
    while True:
        data, peer = sock.recvfrom(65536)
        if not args.mute:
            sock.sendto(f"{args.name} {len(data)}".encode() + b"x" * args.size, peer)
        log(endpoint(peer), args.bind, "-")
else:
    sock = listening(socket.SOCK_STREAM)
    sock.listen(128)
    while True:
        peer = sock.accept()
        threading.Thread(target=quietly, args=peer, daemon=True).start()
