//! What is saved from a screen.

use crate::tui::testkit::probe;

#[test]
fn a_report_and_a_drawing_are_saved_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let mut probe = probe("hairpin-cloud-slb", (80, 24));
    probe.key("4");
    probe.settle();
    for (down, name, holds) in
        [(0, "a.md", "l4-self-access-hairpin"), (3, "a.pcapng", "rs1"), (4, "a.svg", "<svg")]
    {
        let path = dir.path().join(name);
        for again in [false, true] {
            probe.key("s");
            (0..down).for_each(|_| probe.key("j"));
            probe.key("enter");
            for _ in 0..80 {
                probe.key("backspace");
            }
            probe.type_text(&path.display().to_string());
            probe.key("enter");
            probe.settle();
            let said = if again { "is there already" } else { "was written" };
            let remark = probe.app.remark.clone().unwrap().1;
            assert!(remark.contains(said), "{remark}");
            probe.key("esc");
            probe.key("esc");
        }
        probe.key("4");
        let text = std::fs::read(&path).unwrap();
        assert!(String::from_utf8_lossy(&text).contains(holds), "{}", path.display());
    }
}

#[test]
fn leaving_waits_for_a_file_that_is_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.md");
    let mut probe = probe("healthy-dr", (80, 24));
    probe.key("s");
    probe.key("enter");
    (0..80).for_each(|_| probe.key("backspace"));
    probe.type_text(&path.display().to_string());
    probe.key("enter");
    probe.key("esc");
    probe.key("esc");
    probe.key("q");
    assert!(!probe.app.quit, "the file is not whole yet");
    probe.settle();
    assert!(probe.app.quit && path.exists());
}
