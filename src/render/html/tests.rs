//! What must hold of the page whatever the report.

use super::*;
use crate::render::text::fixtures::ladders::{hairpin_ladder, hostile_ladder};
use crate::render::text::fixtures::networks::{hostile_network, two_servers};
use crate::render::text::fixtures::{empty, hairpin, healthy, hostile};
use scraper::{Html, Selector};

fn drawn(report: &Report) -> String {
    let ladders = [(1, hairpin_ladder())].into();
    html(report, &two_servers(), &ladders)
}

/// Elements that match, in the order of the page.
fn all<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn words(element: &scraper::ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_verdict_stands_first_and_headings_are_in_order() {
    for report in [hairpin(), healthy(), empty()] {
        let page = Html::parse_document(&drawn(&report));
        assert!(page.errors.is_empty(), "{:?}", page.errors);
        let headings = all(&page, "h1, h2, h3, h4");
        let level = |e: &scraper::ElementRef<'_>| e.value().name()[1..].parse::<u8>().unwrap();
        assert_eq!(level(&headings[0]), 1);
        assert!(words(&headings[0]).ends_with(&report.verdict.summary));
        for pair in headings.windows(2) {
            assert!(level(&pair[1]) <= level(&pair[0]) + 1, "{}", words(&pair[1]));
            assert!(level(&pair[1]) > 1);
        }
        for section in all(&page, "section") {
            let by = section.value().attr("aria-labelledby").unwrap();
            assert_eq!(all(&page, &format!("#{by}")).len(), 1);
        }
    }
}

#[test]
fn links_lead_somewhere_and_ids_are_unique() {
    let page = Html::parse_document(&drawn(&hairpin()));
    let mut ids: Vec<&str> = all(&page, "[id]").iter().filter_map(|e| e.value().id()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let links = all(&page, "a");
    assert!(links.len() > 10);
    for link in links {
        let to = link.value().attr("href").and_then(|href| href.strip_prefix('#')).unwrap();
        assert!(ids.contains(&to), "{to}");
    }
    // What is read out as one picture holds nothing to press.
    assert!(all(&page, "[role=img] a, [role=img] button").is_empty());
    for field in all(&page, "select, input") {
        let labels = field
            .ancestors()
            .filter(|node| node.value().as_element().is_some_and(|e| e.name() == "label"));
        assert_eq!(labels.count(), 1);
    }
}

#[test]
fn nothing_is_loaded_and_only_its_own_script_and_style_may_act() {
    let text = drawn(&hairpin());
    let page = Html::parse_document(&text);
    for loads in ["[src]", "link", "img", "iframe", "object", "embed", "base", "[style]"] {
        assert!(all(&page, loads).is_empty(), "{loads}");
    }
    let policy = all(&page, "meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap();
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    let inner = |selector: &str| all(&page, selector)[0].text().collect::<String>();
    assert_eq!(all(&page, "style").len(), 1);
    assert_eq!(all(&page, "script:not([type])").len(), 1);
    assert!(policy.contains(&format!("style-src {}", hash(&inner("style")))));
    assert!(policy.contains(&format!("script-src {}", hash(&inner("script:not([type])")))));
    assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("</") && !CSS.contains("url("));
}

/// Relative luminance of `#rrggbb` (WCAG 2.1).
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn text_stands_out_in_both_schemes() {
    for scheme in [LIGHT, DARK] {
        let colour = |name: &str| {
            let (_, rest) = scheme.split_once(&format!("--{name}: ")).unwrap();
            luminance(&rest[..7])
        };
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        for ground in ["paper", "box"] {
            for text in ["ink", "faint", "mark", "lost", "rewrite", "good"] {
                let stands = contrast(colour(text), colour(ground));
                assert!(stands >= 4.5, "{text} on {ground}: {stands}\n{scheme}");
            }
        }
        for text in ["ink", "faint", "mark", "rewrite", "lost"] {
            let stands = contrast(colour(text), colour("tint"));
            assert!(stands >= 4.5, "{text} on tint: {stands}\n{scheme}");
        }
    }
}

#[test]
fn its_own_text_needs_no_cleaning() {
    for text in [CSS, SCRIPT, RULES, LIGHT, DARK] {
        assert!(!text.contains(|c| c != '\n' && is_unsafe(c)));
    }
}

#[test]
fn a_line_feed_in_a_name_ends_no_line() {
    let mut report = hairpin();
    report.captures[0].path = "dir/a\nb.pcap".to_owned();
    report.captures[0].notes = vec!["c\nd".to_owned()];
    report.notes = vec!["e\nf".to_owned()];
    let text = html(&report, &hostile_network("x"), &BTreeMap::new());
    for shown in ["dir/a\\x0ab.pcap", "c\\x0ad", "e\\x0af"] {
        assert!(text.contains(shown), "{shown}");
    }
    assert!(!text.contains("a\nb.pcap"));
}

#[test]
fn whatever_a_string_holds_it_stays_text() {
    let shape = |evil: &str| {
        let ladders = [(1, hostile_ladder(&hairpin_ladder(), evil))].into();
        let text = html(&hostile(evil), &hostile_network(evil), &ladders);
        assert!(!text.contains(|c| c != '\n' && is_unsafe(c)), "{evil:?}");
        let page = Html::parse_document(&text);
        assert!(page.errors.is_empty(), "{evil:?}: {:?}", page.errors);
        let rows = all(&page, "script#rows")[0].text().collect::<String>();
        let rows: serde_json::Value = serde_json::from_str(&rows).unwrap();
        assert_eq!(rows["services"][0], *clean(evil), "{evil:?}");
        let heading = all(&page, "#finding-1 h3")[0].text().collect::<String>();
        assert!(heading.contains(&*clean(evil)), "{evil:?}: {heading}");
        // Elements with their attributes' names: what could act.
        all(&page, "*")
            .iter()
            .map(|e| {
                let names: Vec<&str> = e.value().attrs().map(|(name, _)| name).collect();
                format!("{} {}", e.value().name(), names.join(" "))
            })
            .collect::<Vec<String>>()
    };
    let tame = shape("xx");
    for evil in [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)",
        "' autofocus onfocus='alert(1)",
        "</style></title></svg></textarea>",
        "]]>&lt;b&gt;&#60;i>",
        "a\u{2028}b\u{2029}c\u{202e}d",
        "\x1b]0;x\x07\u{9b}2J\0",
        "javascript:alert(1)",
    ] {
        assert_eq!(shape(evil), tame, "{evil:?}");
    }
}

#[test]
fn long_lists_are_counted_and_not_shown() {
    let mut report = hairpin();
    let (service, host) = (report.services[0].clone(), report.hosts[0].clone());
    let connection = report.connections[0].clone();
    report.services = vec![service; 3_000];
    report.hosts = vec![host; 3_000];
    report.connections = vec![connection; 60_000];
    let text = drawn(&report);
    assert!(text.len() < 12_000_000, "{}", text.len());
    let page = Html::parse_document(&text);
    assert!(all(&page, "*").len() < 20_000);
    for (section, said) in [
        ("#services", "2,950 more services not shown."),
        ("#hosts", "2,800 more hosts not shown."),
        ("#connections", "This page holds the first 50,000 of 60,000 that the report lists."),
    ] {
        assert!(words(&all(&page, section)[0]).contains(said), "{said}");
    }
}
