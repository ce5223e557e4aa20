#!/usr/bin/env python3
"""expected.py DIR: what a right report of DIR holds by its truth.json, as
expected.toml on standard output. To be read before it is believed: the truth
knows what was broken, not what each capture can show."""
import json
import os
import sys

truth = json.load(open(os.path.join(sys.argv[1], "truth.json")))
expect = truth["expect"]
vip, port = truth["vip"].rsplit(":", 1)


def names(host):
    """Addresses and MACs of a host."""
    nics = truth["hosts"][host]
    addresses = [a.split("/")[0] for nic in nics for a in nic["addrs"]]
    return addresses + [nic["mac"] for nic in nics]


def listed(words):
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


print(f"verdict = {listed(expect['verdict'] or ['degraded', 'failing'])}")
if truth["mode"] != "unknown":
    print(f'mode = "{truth["mode"]}"')
print(f'vip = "{vip.strip("[]")}"')
print(f"port = {port}")
if truth["faults"]:
    print("causes = [")
    for fault in truth["faults"]:
        culprits = [name for host in expect["culprit"] for name in names(host)]
        culprit = f", culprit = {listed(culprits)}" if culprits else ""
        print(f"  {{ id = {listed([fault])}{culprit} }},")
    print("]")
else:
    print("causes = []")
print(f"symptoms = {listed(truth['symptoms'])}")
print(f"may = {listed(expect['allowed'] + expect['may'])}")
print("\n[connections]")
answered = {}
for result in truth["client_results"]:
    if result.get("servers"):
        answered.setdefault(result["client"], []).append(result["servers"])
for client, servings in answered.items():
    servers = {server for servers in servings for server in servers}
    # A client port that was used twice is two connections, and no key.
    if len(servings) == 1:
        both = [name for server in sorted(servers) for name in names(server)]
        print(f'"{client}" = {listed(both)}')
