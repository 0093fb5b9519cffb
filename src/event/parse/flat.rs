//! One object of plain keys, in any spacing and order.

use super::{ParsedEvent, plain_str};
use crate::event::timestamp;

/// One object on a line, its keys ours, its strings without escapes, its numbers plain.
pub fn parse(line: &[u8]) -> Option<ParsedEvent<'_>> {
    let mut text = Cursor(line);
    let (mut micros, mut target, mut domain, mut seconds, mut exit_code) = (None, None, "", 0.0, 0);
    text.expect(b'{')?;
    loop {
        match text.string()? {
            "timestamp" => {
                text.expect(b':')?;
                micros = if text.null() { None } else { timestamp::parse(text.string()?.as_bytes()) };
            }
            "target" => {
                text.expect(b':')?;
                target = Some(text.string()?);
            }
            "domain" => {
                text.expect(b':')?;
                domain = if text.null() { "" } else { text.string()? };
            }
            "duration_seconds" => {
                text.expect(b':')?;
                seconds = text.seconds()?;
            }
            "exit_code" => {
                text.expect(b':')?;
                exit_code = text.number()?.parse().ok()?;
            }
            _ => return None,
        }
        text.skip_blanks();
        match text.next()? {
            b',' => (),
            b'}' => break,
            _ => return None,
        }
    }
    text.skip_blanks();
    if !text.0.is_empty() {
        return None;
    }
    Some(ParsedEvent { micros, target: target?.into(), domain: domain.into(), seconds, exit_code })
}

/// What is remaining of a line.
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t' | b'\r', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        (self.next()? == byte).then_some(())
    }

    fn null(&mut self) -> bool {
        self.skip_blanks();
        match self.0.strip_prefix(b"null") {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let end = memchr::memchr(b'"', self.0)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        plain_str(text)
    }

    /// A number that is finite.
    pub fn seconds(&mut self) -> Option<f64> {
        self.number()?.parse().ok().filter(|seconds: &f64| seconds.is_finite())
    }

    /// By JSON's grammar, which is stricter than Rust's.
    fn number(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let start = self.0;
        if let [b'-', rest @ ..] = self.0 {
            self.0 = rest;
        }
        match self.0 {
            [b'0', rest @ ..] => self.0 = rest,
            _ => self.digits()?,
        }
        if let [b'.', rest @ ..] = self.0 {
            self.0 = rest;
            self.digits()?;
        }
        if let [b'e' | b'E', rest @ ..] = self.0 {
            self.0 = rest;
            if let [b'+' | b'-', rest @ ..] = self.0 {
                self.0 = rest;
            }
            self.digits()?;
        }
        str::from_utf8(&start[..start.len() - self.0.len()]).ok()
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[count..];
        (count > 0).then_some(())
    }
}
