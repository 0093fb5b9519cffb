//! Who takes the lines of a log.

use super::parse::scanner::Window;
use super::parse::{ParsedEvent, ParsedLine};
use super::table::rows::Chunk;

/// So many unreadable lines are remembered by number.
pub const NAMED_LINES: usize = 100;

/// What some lines held.
#[derive(Debug, Default)]
pub struct Segment {
    pub chunks: Vec<Chunk>,
    pub events: u64,
    /// Blank ones included.
    pub lines: u64,
    pub blank: u64,
    pub unreadable: u64,
    /// The first [`NAMED_LINES`], from 0 on within the segment.
    pub unreadable_lines: Vec<u64>,
}

impl Segment {
    /// The line at hand, which is not yet counted.
    pub fn name_unreadable(&mut self) {
        self.unreadable += 1;
        if self.unreadable_lines.len() < NAMED_LINES {
            self.unreadable_lines.push(self.lines);
        }
    }
}

/// Takes the lines of a log one after the other, in segments.
pub trait LineSink {
    /// What is remaining when all lines are taken, beside the segments.
    type Kept: Send;

    /// The line at the start, to its line feed, if it is in the canonical layout; so many bytes are remaining, and what
    /// follows is anything. Says how long it is; `None`: look for its end, and call [`LineSink::line`].
    fn canonical(&mut self, line: &Window, remaining: usize) -> Option<usize>;

    fn add(&mut self, event: &ParsedEvent<'_>);

    /// The segment at hand.
    fn segment(&mut self) -> &mut Segment;

    /// One line, without its line feed.
    fn line(&mut self, line: &[u8]) {
        match ParsedLine::parse(line) {
            ParsedLine::Event(fields) => self.add(&fields),
            ParsedLine::Blank => self.segment().blank += 1,
            ParsedLine::Unreadable(glued) => {
                if let Some(fields) = glued {
                    self.add(&fields);
                }
                self.segment().name_unreadable();
            }
        }
        self.segment().lines += 1;
    }

    /// A line that is too long to be held.
    fn endless_line(&mut self) {
        self.segment().name_unreadable();
        self.segment().lines += 1;
    }

    /// Rows that the segment at hand holds.
    fn rows(&self) -> usize;

    /// TimeSpan a segment.
    fn take(&mut self) -> Segment;

    fn kept(self) -> Self::Kept;
}
