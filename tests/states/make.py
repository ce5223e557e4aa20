#!/usr/bin/env python3
"""Writes the states of this folder: what `ip`, `sysctl` and `nstat` print in
network namespaces that have the MACs and addresses of a sample's hosts.

Needs root, iproute2 and procps. Usage: make.py TRUTH OUT SETTINGS, where TRUTH is
the JSON file of a recording (hosts with their interfaces), OUT the folder for one
file a host, and SETTINGS a JSON object: by host, `vip` (interface or null),
`gateway`, `sysctl` (list), `overflow` (connections beyond a backlog of 0).
A recording's ipvsadm.txt beside TRUTH is put before the director's outputs.
"""
import json, os, subprocess, sys

truth_path, out, settings = sys.argv[1:4]
truth, settings = json.load(open(truth_path)), json.loads(settings)
vip = truth["vip"].rsplit(":", 1)[0]
os.makedirs(out, exist_ok=True)
OVERFLOW = """
import socket
s = socket.socket(); s.bind(("127.0.0.1", 80)); s.listen(0)
held = []
for _ in range(%d):
    c = socket.socket(); c.setblocking(False); c.connect_ex(("127.0.0.1", 80)); held.append(c)
"""
for host, interfaces in truth["hosts"].items():
    mine = settings.get(host)
    if mine is None:
        continue
    lines = ["ip link set lo up"]
    for n, i in enumerate(interfaces):
        lines.append(f"ip link add {i['if']} address {i['mac']} type veth peer name p{n} netns far")
        lines.append(f"ip -n far link set p{n} up; ip link set {i['if']} up")
        lines += [f"ip addr add {a} dev {i['if']}" for a in i["addrs"]]
    if mine.get("vip"):
        lines.append(f"ip addr add {vip}/32 dev {mine['vip']}")
    if mine.get("gateway"):
        lines.append(f"ip route add default via {mine['gateway']}")
    lines += [f"sysctl -qw {s}" for s in mine.get("sysctl", [])]
    if mine.get("overflow"):
        lines.append(f"python3 -c '{OVERFLOW % mine['overflow']}'")
    keep = r"conf\.(all|eth0|eth1|lo)\.(rp_filter|arp_ignore|arp_announce|forwarding)|ip_forward =|tcp_timestamps"
    lines += [
        "echo '$ ip addr'", "ip addr", "echo '$ ip route'", "ip route",
        "echo '$ sysctl -a'", f"sysctl -a 2>/dev/null | grep -E '{keep}'",
        "echo '$ nstat -az'", "nstat -az | grep -E 'kernel|Listen|ReversePath|PAWS|InReceives'",
    ]
    script = "\n".join(lines)
    subprocess.run("ip netns del far 2>/dev/null; ip netns add far", shell=True)
    text = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True)
    sys.stderr.write(text.stderr)
    subprocess.run(["ip", "netns", "del", "far"])
    table = os.path.join(os.path.dirname(truth_path), "ipvsadm.txt")
    head = open(table).read() + "\n" if host == "director" and os.path.exists(table) else ""
    with open(os.path.join(out, f"{host}.txt"), "w") as f:
        f.write(head + text.stdout)
