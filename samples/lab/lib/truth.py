"""truth.py DIR: what is true of a scenario, as DIR/truth.json.

Reads what the scenario states of itself from the environment, and from DIR what
it built (.hosts), what its clients saw (.clients) and what its servers served
(.served)."""
import json
import os
import sys

folder = sys.argv[1]
env = os.environ


def lines(name):
    path = os.path.join(folder, name)
    return open(path).read().splitlines() if os.path.exists(path) else []


def bracketed(address):
    return f"[{address}]" if ":" in address else address


hosts = {}
for line in lines(".hosts"):
    host, interface, mac, *addresses = line.split()
    hosts.setdefault(host, []).append({"if": interface, "mac": mac, "addrs": addresses})

truth = {
    "scenario": env["name"],
    "title": env["title"],
    "readme": env["readme"],
    "look": [line.strip() for line in env["look"].splitlines() if line.strip()],
    "faults": env["faults"].replace("|", " ").split(),
    "symptoms": env["symptoms"].split(),
    "mode": env["mode"],
    "vip": f"{bracketed(env['vip'])}:{env['port']}",
    "protocol": env["protocol"],
    "real_servers": dict(pair.split("=") for pair in env["servers"].split()),
    "rport": int(env["rport"]),
    "hosts": hosts,
    "client_results": sorted((json.loads(l) for l in lines(".clients")), key=lambda r: r["t"]),
    "server_log": [json.loads(l) for l in lines(".served")],
    "expect": {"causes": [word.split("|") for word in env["faults"].split()]}
    | {key: env[key].split() for key in ("culprit", "allowed", "may", "verdict")},
}
if env["info"]:
    truth["info"] = env["info"].split()
with open(os.path.join(folder, "truth.json"), "w") as file:
    json.dump(truth, file, indent=1)
    file.write("\n")
