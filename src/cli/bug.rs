//! What the user sees when the program itself is at fault.
//!
//! A panic is a defect of lbdiag, never of the capture; a backtrace helps nobody who reads
//! captures. Refuses to hide where it was, which is what a report needs.

use super::say::Say;
use std::panic::{self, PanicHookInfo};

/// Replaces the standard message by one that says what to do.
pub(super) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        Say::new(clap::ColorChoice::Auto, false).error(&message(what(info), &place(info)));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
            let trace = std::backtrace::Backtrace::force_capture().to_string();
            Say::new(clap::ColorChoice::Never, false).plain(&trace);
        }
    }));
}

fn what<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let literal = payload.downcast_ref::<&str>().copied();
    literal
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it gave no reason")
}

fn place(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

fn message(what: &str, place: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let system = std::env::consts::OS;
    let machine = std::env::consts::ARCH;
    format!(
        "this is a bug in lbdiag, not in your captures: {what} (at {place}); please report this \
         line, lbdiag {version} on {system}/{machine}, the command line and, if you may share it, \
         the capture"
    )
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn the_message_says_where_it_was_and_what_to_send() {
        let text = message("index out of bounds", "src/flow/key.rs:7:9");
        assert!(text.contains("index out of bounds (at src/flow/key.rs:7:9)"), "{text}");
        assert!(text.contains(env!("CARGO_PKG_VERSION")) && text.ends_with("the capture"));
    }
}
