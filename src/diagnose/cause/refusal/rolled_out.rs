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
    finding.confirm(
        KUBECTL,
        "kubectl -n NAMESPACE get deployment NAME -o jsonpath='{range .spec.template.spec.containers[*]}{.name} {.lifecycle}{\"\\n\"}{end}'",
        "the container's name, and whether it has a preStop already: then a longer sleep there is the change to make, and terminationGracePeriodSeconds has to be longer than both",
    );
    finding.fixes = vec![Fix::disruptive(
        format!("{KUBECTL}, if the pod was replaced"),
        "kubectl -n NAMESPACE patch deployment NAME --type=strategic -p '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"CONTAINER\",\"lifecycle\":{\"preStop\":{\"exec\":{\"command\":[\"sleep\",\"10\"]}}}}]}}}}'   # only where that container has no preStop of its own, whose command it would replace; it goes on serving until nodes have forgotten it; replaces its pods once more",
        "kubectl -n NAMESPACE rollout undo deployment NAME",
    )];
}
