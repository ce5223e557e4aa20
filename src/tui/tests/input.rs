//! Keys, mouse and sizes: all of them are taken, and none breaks anything.

use super::{SIZES, has, samples};
use crate::tui::app::Pane;
use crate::tui::testkit::{probe, probe_with};
use crate::tui::work;
use crossterm::event::{MouseButton, MouseEventKind};

#[test]
fn the_mouse_does_what_keys_do() {
    let mut probe = probe("hairpin-cloud-slb", (80, 24));
    let tabs = probe.text();
    let at = tabs.lines().next().and_then(|line| line.find("Connections")).unwrap();
    probe.click(at as u16, 0);
    has(&probe.text(), &["client", "outcome"]);
    probe.click(10, 3);
    assert_eq!(probe.app.table.list.at, 1);
    probe.click(10, 3);
    probe.settle();
    has(&probe.text(), &["#2 172.16.100.11:59780"]);
    probe.key("2");
    probe.settle();
    probe.mouse(MouseEventKind::Down(MouseButton::Left), 30, 4);
    probe.mouse(MouseEventKind::Drag(MouseButton::Left), 45, 4);
    probe.mouse(MouseEventKind::Up(MouseButton::Left), 45, 4);
    assert!(probe.app.range.is_some());
    probe.mouse(MouseEventKind::ScrollUp, 40, 4);
    probe.settle();
    probe.key("3");
    probe.click(30, 1);
    probe.settle();
    has(&probe.text(), &["client▾"]);
}

/// Every key in every pane of many samples, at sizes from too small to large.
#[test]
fn no_key_makes_it_panic() {
    let keys: Vec<String> = (' '..='~').map(|c| c.to_string()).filter(|k| k != "q").collect();
    let named = ["enter", "esc", "tab", "backtab", "up", "down", "backspace"];
    for (n, name) in samples().iter().step_by(16).enumerate() {
        let mut probe = probe(name, SIZES[n % 2]);
        for pane in ["1", "2", "3", "4", "5", "6"] {
            probe.key(pane);
            probe.settle();
            for key in keys.iter().map(String::as_str).chain(named) {
                // What is saved goes to the current folder, which a test leaves alone.
                if key != "s" {
                    probe.key(key);
                }
            }
            probe.settle();
            for _ in 0..4 {
                probe.key("esc");
            }
            probe.key("x");
        }
        for size in [(1, 1), (40, 10), (41, 11), (79, 9), (300, 12), (60, 100)] {
            probe.resize(size.0, size.1);
            for pane in ["1", "2", "3", "4", "5", "6", "?"] {
                probe.key(pane);
                probe.settle();
                for key in ["j", "enter", "esc", "esc"] {
                    probe.key(key);
                }
            }
        }
    }
}

#[test]
fn escape_with_a_key_right_behind_it_is_both() {
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
    let mut probe = probe("hairpin-cloud-slb", (80, 24));
    probe.key("?");
    let key = KeyEvent::new(KeyCode::Char('3'), KeyModifiers::ALT);
    probe.app.handle(work::Event::Input(Event::Key(key)));
    assert!(probe.app.overlay.is_none());
    assert_eq!(probe.app.pane, Pane::Connections);
}

#[test]
fn keys_can_be_given_otherwise() {
    let text = "[keys]\nconnections = \"C\"\n";
    let mut probe = probe_with("hairpin-cloud-slb", (80, 24), text);
    has(&probe.text(), &["C Connections"]);
    probe.key("C");
    has(&probe.text(), &["outcome"]);
    probe.key("?");
    has(&probe.text(), &["help"]);
}
