#!/bin/bash
# scenario.sh NAME DIR: one scenario from building its world to its truth.
set -euo pipefail
name=$1 dir=$2
for part in net capture lvs dnat worlds traffic proxy vrrp shared; do . "$lab/lib/$part.sh"; done

# What a scenario states of itself; see README.md.
title="" readme="" look="" faults="" allowed="" info="" culprit="" symptoms="" may="" verdict=""
. "$lab/scenarios/$name.sh"

scenario
stop_captures
write_truth
