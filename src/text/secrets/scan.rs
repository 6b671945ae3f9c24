//! The search for all patterns in one pass over a text.
//!
//! At each place of the text a character of a secret may stand as it is, in the other case, or as any escape has it; one
//! secret may mix them, as an address does that encodes only some characters. What cleaning drops may stand between two
//! characters. All readings are followed side by side, so no choice is ever wrong. Readings of one pattern that have
//! come equally far at one place are one from there on, so the effort grows with the length of the text and not with
//! its square, whatever stands in it.

use super::Secrets;
use super::escapes::{self, Readings};
use super::pattern::{Pattern, fold};
use crate::text::message::after_escape;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// The longest escape sequence that is waited for, in bytes.
const MAX_SEQUENCE: usize = 512;

/// Where patterns match a text.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sorted, and not overlapping.
    pub ranges: Vec<Range<usize>>,
    /// Where a match begins that the end of the text cuts off, and how many characters of it are there.
    pub cut_off: Option<(usize, usize)>,
}

/// Every place of a secret. `last`: no more text follows.
pub(super) fn find(secrets: &Secrets, text: &str, last: bool) -> Found {
    let mut scan = Scan {
        secrets,
        text,
        last,
        open: BinaryHeap::new(),
        found: Found::default(),
    };
    let mut at = 0;
    while at < text.len() {
        at = scan.next_place(at);
        scan.look(at);
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        at += width;
    }
    scan.look(text.len());
    scan.found.ranges = merged(scan.found.ranges);
    scan.found
}

/// A pattern of which the first characters have been read. Ordered by where its next one is read, then so that equal
/// ones follow each other, the one that began first before the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reading {
    at: usize,
    pattern: usize,
    matched: usize,
    start: usize,
}

struct Scan<'s> {
    secrets: &'s Secrets,
    text: &'s str,
    last: bool,
    open: BinaryHeap<Reverse<Reading>>,
    found: Found,
}

impl Scan<'_> {
    /// The first place from `from` on where a secret may begin or goes on; where there is none, the end.
    fn next_place(&self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let goes_on = self
            .open
            .peek()
            .map_or(bytes.len(), |Reverse(reading)| reading.at);
        let between = bytes.get(from..goes_on.min(bytes.len()));
        let begins = |byte: &u8| match byte {
            0..=127 => self.secrets.ascii[*byte as usize] || escapes::introduces(*byte),
            _ => true,
        };
        let found = between.and_then(|bytes| bytes.iter().position(begins));
        let at = found.map_or(goes_on, |offset| from + offset);
        // Of a long run of backslashes only the end can be read as anything but more backslashes.
        if at < goes_on && bytes[at] == b'\\' && !self.secrets.ascii[usize::from(b'\\')] {
            let run = bytes[at..].iter().take_while(|byte| **byte == b'\\');
            let skipped = run.count().saturating_sub(escapes::MAX_BACKSLASHES);
            return goes_on.min(at + skipped);
        }
        at
    }

    /// Reads what stands at `at`, for every secret that goes on or begins there.
    fn look(&mut self, at: usize) {
        let c = self.text[at..].chars().next();
        let readings = match c {
            Some(c) if c.is_ascii() && escapes::introduces(c as u8) => escapes::read(self.text, at),
            _ => Readings::default(),
        };
        if let Some(c) = c {
            self.begin(at, c, &readings);
        }
        let mut before = None;
        while let Some(Reverse(reading)) = self.open.peek().copied()
            && reading.at == at
        {
            self.open.pop();
            let same = Some((reading.pattern, reading.matched));
            if before != same {
                before = same;
                self.go_on(reading, c, &readings);
            }
        }
        if readings.incomplete {
            self.cut_off(at, 0);
        }
    }

    /// Opens the patterns that begin at `at`.
    fn begin(&mut self, at: usize, c: char, readings: &Readings) {
        let bytes = self.text.as_bytes();
        let escaped = readings.chars.iter().map(|(c, _)| *c);
        for first in std::iter::once(c).chain(escaped.filter(|first| fold(*first) != fold(c))) {
            for pattern in self.secrets.beginning_with(first) {
                if !self.secrets.patterns[pattern].is_refused(bytes, at) {
                    self.open.push(Reverse(Reading {
                        at,
                        pattern,
                        matched: 0,
                        start: at,
                    }));
                }
            }
        }
    }

    /// Reads the next character of a pattern: `c`, or what an escape stands for.
    fn go_on(&mut self, reading: Reading, c: Option<char>, readings: &Readings) {
        let Reading {
            at, matched, start, ..
        } = reading;
        let pattern = &self.secrets.patterns[reading.pattern];
        if pattern.is_whole(matched) {
            self.found.ranges.push(start..at);
            return;
        }
        let Some(c) = c else {
            self.cut_off(start, matched);
            return;
        };
        self.step(pattern, reading, c, c.len_utf8());
        for (c, length) in &readings.chars {
            self.step(pattern, reading, *c, *length);
        }
        if readings.incomplete {
            self.cut_off(start, matched);
        }
        if c == '\u{1b}' && matched > 0 {
            let rest = &self.text[at + 1..];
            let after = after_escape(rest);
            let at = self.text.len() - after.len();
            self.open.push(Reverse(Reading { at, ..reading }));
            // The rest of the sequence may still come.
            if after.len() == rest.len() && rest.len() < MAX_SEQUENCE {
                self.cut_off(start, matched);
            }
        }
    }

    /// Goes on behind a character of the text that has this length in bytes.
    fn step(&mut self, pattern: &Pattern, reading: Reading, c: char, length: usize) {
        let at = reading.at + length;
        if pattern.takes(reading.matched, c) {
            let matched = reading.matched + 1;
            self.open.push(Reverse(Reading {
                at,
                matched,
                ..reading
            }));
        }
        if pattern.passes_over(reading.matched, c) {
            self.open.push(Reverse(Reading { at, ..reading }));
        }
    }

    /// The text ends within what may be a match that begins at `start`.
    fn cut_off(&mut self, start: usize, matched: usize) {
        if self.last {
            return;
        }
        let (first, most) = self.found.cut_off.unwrap_or((start, matched));
        self.found.cut_off = Some((first.min(start), most.max(matched)));
    }
}

/// The ranges in their order, those that overlap as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(before) if range.start < before.end => before.end = before.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
