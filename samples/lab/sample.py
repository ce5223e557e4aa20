#!/usr/bin/env python3
"""sample.py DIR...: writes README.md and expected.toml of recorded scenarios from
their truth.json. To be read before they are believed: the truth knows what was
broken, not what each capture can show. Frame numbers are asked of tshark."""
import json
import os
import subprocess
import sys
import textwrap


def names(truth, host):
    """Addresses and MACs of a host."""
    nics = truth["hosts"][host]
    addresses = [a.split("/")[0] for nic in nics for a in nic["addrs"]]
    return addresses + [nic["mac"] for nic in nics]


def listed(words):
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def expected(truth):
    expect = truth["expect"]
    vip, port = truth["vip"].rsplit(":", 1)
    yield f"verdict = {listed(expect['verdict'] or ['degraded', 'failing'])}"
    if truth["mode"] != "unknown":
        yield f'mode = "{truth["mode"]}"'
    yield f'vip = "{vip.strip("[]")}"'
    yield f"port = {port}"
    if expect["causes"]:
        yield "causes = ["
        culprits = [name for host in expect["culprit"] for name in names(truth, host)]
        culprit = f", culprit = {listed(culprits)}" if culprits else ""
        for ids in expect["causes"]:
            yield f"  {{ id = {listed(ids)}{culprit} }},"
        yield "]"
    else:
        yield "causes = []"
    yield f"symptoms = {listed(truth['symptoms'])}"
    yield f"may = {listed(expect['allowed'] + expect['may'])}"
    yield ""
    yield "[connections]"
    answered = {}
    for result in truth["client_results"]:
        if result.get("servers"):
            answered.setdefault(result["client"], []).append(set(result["servers"]))
    for client, servings in answered.items():
        # A client port that was used twice is two connections, and no key.
        if len(servings) == 1:
            both = [name for server in sorted(servings[0]) for name in names(truth, server)]
            yield f'"{client}" = {listed(both)}'


def frames(folder, truth, spec):
    """`HOST|FILTER|COUNT|TEXT`: the first frames that pass Wireshark's FILTER, in
    which {host} is the MAC of its first NIC, {host.IF} that of another."""
    host, rest = spec.split("|", 1)
    what, count, text = rest.rsplit("|", 2)
    for name, nics in truth["hosts"].items():
        what = what.replace("{%s}" % name, nics[0]["mac"])
        for nic in nics:
            what = what.replace("{%s.%s}" % (name, nic["if"]), nic["mac"])
    path = os.path.join(folder, f"{host}.pcap")
    command = ["tshark", "-n", "-r", path, "-Y", what, "-T", "fields", "-e", "frame.number"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    found = [f"#{n}" for n in found[: int(count)]]
    if not found:
        raise SystemExit(f"{path}: nothing passes {what}")
    these = found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]
    return f"{host}.pcap {these}: {text}"


def page(folder, truth):
    paragraphs = [" ".join(truth["readme"].split())]
    if truth["look"]:
        paragraphs[0] += " Look at " + " ".join(frames(folder, truth, spec) for spec in truth["look"])
    paragraphs.append("Recorded on a real kernel with hosts in network namespaces (`samples/lab`).")
    wrapped = ["\n".join(textwrap.wrap(p, 80, break_long_words=False, break_on_hyphens=False)) for p in paragraphs]
    return f"# {truth['title']}\n\n" + "\n".join(wrapped) + "\n"


for folder in sys.argv[1:]:
    truth = json.load(open(os.path.join(folder, "truth.json")))
    with open(os.path.join(folder, "README.md"), "w") as file:
        file.write(page(folder, truth))
    with open(os.path.join(folder, "expected.toml"), "w") as file:
        file.write("\n".join(expected(truth)) + "\n")
