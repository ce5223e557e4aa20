//! temp
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let inputs = lbdiag::capture::inputs(&args).unwrap();
    let p = std::sync::atomic::AtomicU64::new(0);
    let l = lbdiag::load::load(&inputs.inputs, &Default::default(), &p);
    let t = &l.trace;
    for v in &t.vantages {
        println!(
            "V {} own {:?} streams {} links {} hops {} off {:?}",
            v.label,
            v.own,
            v.streams.len(),
            v.links.len(),
            v.hops.len(),
            t.timeline.offsets[v.capture]
        );
    }
    for (id, h) in t.topology.hosts.iter() {
        println!(
            "H{} {:?} {:?} contested {:?} v{:?}",
            id.0, h.macs, h.ips, h.contested, h.vantages
        );
    }
    for s in &t.topology.services {
        println!(
            "S {} {} conns {} dirs {:?} backend {}",
            s.name(),
            s.mode.name(),
            s.connections,
            s.directors
                .iter()
                .map(|d| (d.host.0, d.connections))
                .collect::<Vec<_>>(),
            s.is_backend
        );
        for r in &s.real_servers {
            println!("   R {:?}", r);
        }
    }
    let st = |s: &[lbdiag::topology::Step]| {
        s.iter()
            .map(|s| {
                format!(
                    "{}:{}>{}{}{}",
                    s.tuple,
                    s.from.map_or("?".into(), |h| h.0.to_string()),
                    s.to.map_or("?".into(), |h| h.0.to_string()),
                    if s.origin { "o" } else { "" },
                    if s.loopback {
                        "L"
                    } else if s.arrived {
                        "a"
                    } else {
                        ""
                    }
                )
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (id, c) in t.iter().take(if std::env::var("ALL").is_ok() {
        100000
    } else {
        12
    }) {
        println!(
            "C{} {} -> {} back {:?} {:?} {:?} ord {:?} legs {} srv {:?}\n    F {} | B {}",
            id.0,
            c.front.client.0.with_port(c.front.client.1),
            c.front.server.0.with_port(c.front.server.1),
            c.back.map(|b| (b.client, b.server)),
            c.tie,
            c.outcome,
            t.ordinary(id),
            t.legs(id).len(),
            t.server(id).map(|r| (r.address, r.mac)),
            st(&t.route(id).forward),
            st(&t.route(id).back)
        );
    }
}
