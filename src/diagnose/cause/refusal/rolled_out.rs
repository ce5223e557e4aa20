//! `connection-refused` of a cluster's pod that accepted connections before: it has closed its
//! socket, as at every rollout, and nodes send to it still.

use crate::diagnose::words::commands::cluster::KUBECTL;
use crate::diagnose::words::names;
use crate::diagnose::{Facts, Finding, Fix, Subject};
use crate::topology::ServiceId;

/// What it means, what settles it and what mends it: a command on the pod reaches nobody.
pub(super) fn word(finding: &mut Finding, facts: &Facts, service: ServiceId, subjects: &[Subject]) {
    let who = names(subjects);
    let s = facts.topology.service(service);
    finding.explanation.push_str(
        " Before that it accepted them: its program ended while nodes went on sending to it, as where a pod is replaced and closes its socket at once, or is killed and started again."
    );
    finding.confirm(
        KUBECTL,
        format!("kubectl get pods -A -o wide | grep -wF {who}; kubectl get events -A --sort-by=.lastTimestamp | tail -40; kubectl get endpointslices -A -o wide | grep -wF {who}"),
        format!("gone, or Terminating: it was replaced, and nodes learnt it late; Running with restarts: its program ended, and its log ('kubectl logs --previous') says why; still ready in the last list: nobody checks whether {} is served", s.name()),
    );
    finding.fixes = vec![Fix::disruptive(
        format!("{KUBECTL}, if the pod was replaced"),
        "kubectl -n NAMESPACE patch deployment NAME --type=json -p '[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/0/lifecycle\",\"value\":{\"preStop\":{\"exec\":{\"command\":[\"sleep\",\"10\"]}}}}]'   # it goes on serving until nodes have forgotten it; replaces its pods once more, and the first container's own lifecycle",
        "kubectl -n NAMESPACE rollout undo deployment NAME",
    )];
}
