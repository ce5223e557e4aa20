"""A client: connections or datagrams to a service, begun at even distances, and
what came of each as a line of JSON."""
import argparse
import json
import re
import socket
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--to", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--log", required=True)
parser.add_argument("-n", type=int, default=6, help="connections")
parser.add_argument("--gap", type=float, default=0.25, help="seconds between their beginnings")
parser.add_argument("--timeout", type=float, default=3.5, help="seconds for each wait")
parser.add_argument("--requests", type=int, default=1, help="on each connection")
parser.add_argument("--pause", type=float, default=0.1, help="seconds between them")
parser.add_argument("--source", default="", help="address to speak from")
parser.add_argument("--source-port", type=int, default=0, help="of the first; the next has one more")
parser.add_argument("--same-port", action="store_true", help="all from one port")
parser.add_argument("--body", type=int, default=0, help="bytes of each request's body or datagram")
parser.add_argument("--vanish", action="store_true", help="leave without FIN or RST, as a host that lost power")
parser.add_argument("--half-close", action="store_true", help="FIN right after the last request")
parser.add_argument("--ip-option", action="store_true", help="router alert in each packet")
parser.add_argument("--udp", action="store_true")
args = parser.parse_args()
lock = threading.Lock()
# A socket in repair mode is closed without a segment (linux/tcp.h).
TCP_REPAIR = 19
# RFC 2113: the shortest option that a router may stumble over.
ROUTER_ALERT = b"\x94\x04\x00\x00"


def endpoint(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def opened(i, kind):
    family = socket.AF_INET6 if ":" in args.to else socket.AF_INET
    sock = socket.socket(family, kind)
    sock.settimeout(args.timeout)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if args.ip_option:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ROUTER_ALERT)
    step = 0 if args.same_port else i
    port = args.source_port + step if args.source_port else 0
    if args.source or port:
        sock.bind((args.source or ("::" if ":" in args.to else ""), port))
    return sock


def http(i, result):
    with opened(i, socket.SOCK_STREAM) as sock:
        try:
            sock.connect((args.to, args.port))
        finally:
            result["client"] = endpoint(sock.getsockname())
        result["connected"] = True
        for r in range(args.requests):
            if r:
                time.sleep(args.pause)
            exchange(sock, i, r, result)
        if args.vanish:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)


def exchange(sock, i, r, result):
    last = r == args.requests - 1 and not args.vanish
    request = f"{'POST' if args.body else 'GET'} /r{i}-{r} HTTP/1.1\r\nHost: {args.to}\r\n"
    request += f"Content-Length: {args.body}\r\n" if args.body else ""
    request += f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n"
    sock.sendall(request.encode() + b"x" * args.body)
    if last and args.half_close:
        sock.shutdown(socket.SHUT_WR)
    answer = b""
    while True:
        more = sock.recv(65536)
        if not more:
            break
        answer += more
        done = re.search(rb"Content-Length: (\d+)", answer, re.I)
        at = answer.find(b"\r\n\r\n")
        if not last and done and at >= 0 and len(answer) >= at + 4 + int(done[1]):
            break
    if not answer:
        raise OSError("closed without an answer")
    result["status"] = answer.split(b" ", 2)[1].decode("latin-1")
    server = re.search(rb"X-Server: (\S+)", answer, re.I)
    if server:
        result["servers"].append(server[1].decode())


def datagrams(i, result):
    with opened(i, socket.SOCK_DGRAM) as sock:
        sock.connect((args.to, args.port))
        result["client"] = endpoint(sock.getsockname())
        for r in range(args.requests):
            if r:
                time.sleep(args.pause)
            sock.send(f"q{i}-{r}".encode().ljust(max(args.body, 8), b"."))
            try:
                result["servers"].append(sock.recv(65536).split()[0].decode())
            except OSError as error:
                result["result"] = f"{type(error).__name__}:{error}"


def one(i):
    result = {"i": i, "t": time.time(), "dst": endpoint((args.to, args.port)), "servers": []}
    try:
        (datagrams if args.udp else http)(i, result)
        result.setdefault("result", "ok")
    except OSError as error:
        result["result"] = f"{type(error).__name__}:{error}"
    if not result["servers"]:
        del result["servers"]
    result["host"] = args.host
    with lock, open(args.log, "a") as file:
        file.write(json.dumps(result) + "\n")


threads = []
for i in range(args.n):
    threads.append(threading.Thread(target=one, args=(i,)))
    threads[-1].start()
    if args.same_port:
        threads[-1].join()
    time.sleep(args.gap)
for thread in threads:
    thread.join()
