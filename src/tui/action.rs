//! Every command that a key can do, with the words that name it.
//!
//! One list, from which the key map, the help and the configuration file are made, so
//! that they cannot disagree. Refuses to know what a command does: panes do.

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Leaves the program.
    Quit,
    /// Shows the keys.
    Help,
    /// Undoes the last opening.
    Back,
    /// Opens what is under the cursor.
    Open,
    /// Goes to the next pane.
    NextPane,
    /// Goes to the pane before.
    PreviousPane,
    /// Goes to the overview.
    Overview,
    /// Goes to the timeline.
    Timeline,
    /// Goes to the connections.
    Connections,
    /// Goes to the ladder.
    Ladder,
    /// Goes to the findings.
    Findings,
    /// Goes to the path.
    Path,
    /// Moves up.
    Up,
    /// Moves down.
    Down,
    /// Moves left.
    Left,
    /// Moves right.
    Right,
    /// Moves up by a screen.
    PageUp,
    /// Moves down by a screen.
    PageDown,
    /// Moves up by half a screen.
    HalfUp,
    /// Moves down by half a screen.
    HalfDown,
    /// Moves to the first.
    Top,
    /// Moves to the last.
    Bottom,
    /// Edits the filter.
    Filter,
    /// Removes filter and time range.
    ClearFilter,
    /// Goes to the next match.
    Next,
    /// Goes to the match before.
    Previous,
    /// Sorts by the next column.
    SortNext,
    /// Sorts by the column before.
    SortPrevious,
    /// Turns the order round.
    Reverse,
    /// Marks a connection to compare with.
    Mark,
    /// Shows the marked connection beside this one.
    Compare,
    /// Shows less time.
    ZoomIn,
    /// Shows more time.
    ZoomOut,
    /// Shows all time.
    ZoomAll,
    /// Changes what the lanes are.
    Lanes,
    /// Begins or ends a range of time.
    Select,
    /// Changes which times are shown.
    TimeMode,
    /// Copies the command or filter under the cursor.
    Copy,
    /// Shows the detector's page.
    Manual,
    /// Writes a file.
    Save,
    /// Draws the screen anew.
    Redraw,
    /// Hands the terminal back to the shell for a while.
    Suspend,
}

/// What is said of a command, and its keys where no file says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// The command.
    pub action: Action,
    /// Its name in the configuration file.
    pub name: &'static str,
    /// What it does, a few words.
    pub help: &'static str,
    /// Its keys, as the configuration file writes them.
    pub keys: &'static [&'static str],
}

macro_rules! actions {
    ($($action:ident $name:literal $help:literal [$($key:literal)*];)*) => {
        /// All commands, in the order in which the help lists them.
        pub const ALL: &[About] = &[$(About {
            action: Action::$action,
            name: $name,
            help: $help,
            keys: &[$($key),*],
        }),*];
    };
}

actions! {
    Up "up" "up" ["up" "k"];
    Down "down" "down" ["down" "j"];
    Left "left" "left" ["left" "h"];
    Right "right" "right" ["right" "l"];
    PageUp "page-up" "a screen up" ["pageup" "ctrl-b"];
    PageDown "page-down" "a screen down" ["pagedown" "ctrl-f"];
    HalfUp "half-up" "half a screen up" ["ctrl-u"];
    HalfDown "half-down" "half a screen down" ["ctrl-d"];
    Top "top" "to the first" ["home" "g"];
    Bottom "bottom" "to the last" ["end" "G"];
    Open "open" "open what is under the cursor" ["enter"];
    Back "back" "back, or close" ["esc" "backspace"];
    NextPane "next-pane" "next pane" ["tab"];
    PreviousPane "previous-pane" "pane before" ["backtab"];
    Overview "overview" "overview" ["1"];
    Timeline "timeline" "timeline" ["2"];
    Connections "connections" "connections" ["3"];
    Ladder "ladder" "ladder" ["4"];
    Findings "findings" "findings" ["5"];
    Path "path" "path" ["6"];
    Filter "filter" "filter the connections" ["/"];
    ClearFilter "clear-filter" "remove filter and time range" ["x"];
    Next "next" "next match, finding or marked frame" ["n"];
    Previous "previous" "the one before" ["N"];
    SortNext "sort-next" "sort by the next column" [">"];
    SortPrevious "sort-previous" "sort by the column before" ["<"];
    Reverse "reverse" "turn the order round" ["r"];
    Mark "mark" "mark a connection to compare with" ["space" "m"];
    Compare "compare" "show the marked connection beside this one" ["c"];
    ZoomIn "zoom-in" "show less time" ["+" "="];
    ZoomOut "zoom-out" "show more time" ["-"];
    ZoomAll "zoom-all" "show all time" ["0"];
    Lanes "lanes" "lanes by real server, host or client" ["L"];
    Select "select" "begin or end a range of time" ["v"];
    TimeMode "time-mode" "times of day, since the start, since the one before" ["t"];
    Copy "copy" "copy command or filter (OSC 52)" ["y"];
    Manual "manual" "the detector's manual page" ["M"];
    Save "save" "save report or drawing to a file" ["s" "f2"];
    Redraw "redraw" "draw the screen anew" ["ctrl-l"];
    Suspend "suspend" "back to the shell, until fg" ["ctrl-z"];
    Help "help" "these keys" ["?" "f1"];
    Quit "quit" "quit" ["q" "ctrl-c"];
}

impl Action {
    /// What is said of it.
    #[must_use]
    pub fn about(self) -> Option<&'static About> {
        ALL.iter().find(|about| about.action == self)
    }

    /// The command of a name in the configuration file.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|about| about.name == name).map(|about| about.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_keys_are_given_once() {
        let names: BTreeSet<&str> = ALL.iter().map(|about| about.name).collect();
        assert_eq!(names.len(), ALL.len());
        let keys: Vec<&str> = ALL.iter().flat_map(|about| about.keys).copied().collect();
        let once: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(once.len(), keys.len(), "{keys:?}");
    }

    #[test]
    fn every_command_has_words_and_a_key() {
        for about in ALL {
            assert!(!about.help.is_empty() && !about.keys.is_empty(), "{about:?}");
            assert_eq!(Action::named(about.name), Some(about.action));
        }
    }
}
