//! Tests of the program as a whole, over samples, generated networks and the command line:
//! one file a promise. They are one program, since each program more is one more to link.
//! `cargo test --test suite samples::` runs one file.

#![allow(clippy::unwrap_used)]

#[path = "../generator/mod.rs"]
mod generator;
#[path = "../support/mod.rs"]
mod support;

mod accounting;
mod advice;
mod any;
mod apart;
mod arrows;
mod bounds;
mod broken;
mod bundles;
mod choices;
mod clean;
mod cli;
mod clocks;
mod connections;
mod copies;
mod cut_header;
mod cuts;
mod diff;
mod disorder;
mod docs;
mod evidence;
mod example;
mod extract;
mod filters;
mod fixes;
mod floods;
mod flows;
mod formats;
mod fullnat;
mod html;
mod html_browser;
mod ladder;
mod ladder_tools;
mod library;
mod logs;
mod losses;
mod midstream;
mod mixed;
mod named_places;
mod pages;
mod parts;
mod pastes;
mod places;
mod plan;
mod poor_captures;
mod printers;
mod proxies;
mod ranks;
mod readback;
mod readme;
mod redact;
mod report_doc;
mod samples;
mod shims;
mod signals;
mod states;
mod streams;
mod sums;
mod tables;
mod text;
mod threads;
mod ties;
mod timing;
mod topology;
mod torn;
mod tui_tmux;
mod tunnels;
mod vantages;
mod why;
mod wide;
mod window;
mod wire;
