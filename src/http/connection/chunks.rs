//! A chunked body, followed to its end: sizes, data, trailer.

use super::fields::{has_control_characters, is_name};
use super::framing::{Line, next_line};

/// A size and what may be said of it; extensions are let pass, but nobody needs long ones.
const LONGEST_SIZE_LINE: usize = 256;

/// All lines after the last chunk.
const LONGEST_TRAILER: usize = 8 * 1024;

/// Where in the body.
#[derive(Debug, Default)]
pub(super) enum Chunks {
    /// Before a size.
    #[default]
    Size,
    /// In a chunk, with so many bytes to come.
    Data(u64),
    /// Behind a chunk, before its line ends.
    DataEnd,
    /// Behind the last one; so many bytes of the trailer have come.
    Trailer(usize),
}

impl Chunks {
    /// Reads on, as far as lines are whole. Whether the body is at its end; an error is what is no chunk.
    pub(super) fn take(&mut self, bytes: &[u8], at: &mut usize) -> Result<bool, ()> {
        let before = *at;
        match self {
            Self::Data(left) => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX);
                let piece = most.min(bytes.len() - *at);
                *at += piece;
                *left -= piece as u64;
                if *left == 0 {
                    *self = Self::DataEnd;
                }
            }
            Self::Size => match next_line(bytes, at, LONGEST_SIZE_LINE) {
                Line::Whole(line) => {
                    *self = match size(line)? {
                        0 => Self::Trailer(0),
                        size => Self::Data(size),
                    }
                }
                Line::Part => may_become_a_size(&bytes[*at..])?,
                Line::Wrong | Line::TooLong => return Err(()),
            },
            Self::DataEnd => match next_line(bytes, at, 2) {
                Line::Whole(_empty) => *self = Self::Size,
                Line::Part if bytes.get(*at).is_some_and(|byte| *byte != b'\r') => return Err(()),
                Line::Part => {}
                Line::Wrong | Line::TooLong => return Err(()),
            },
            Self::Trailer(size) => {
                let line = next_line(bytes, at, LONGEST_TRAILER.saturating_sub(*size));
                *size += *at - before;
                match line {
                    Line::Whole([]) => return Ok(true),
                    Line::Whole(line) if is_field(line) => {}
                    Line::Part => {}
                    Line::Whole(_) | Line::Wrong | Line::TooLong => return Err(()),
                }
            }
        }
        Ok(false)
    }
}

/// Hexadecimal digits and nothing else, not even a space; behind a semicolon there may be text.
fn size(line: &[u8]) -> Result<u64, ()> {
    if has_control_characters(line) {
        return Err(());
    }
    let end = memchr::memchr(b';', line).unwrap_or(line.len());
    let digits = &line[..end];
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(());
    }
    let text = std::str::from_utf8(digits).map_err(drop)?;
    u64::from_str_radix(text, 16).map_err(drop)
}

/// The beginning of a line: nobody waits for the end of what is no size already.
fn may_become_a_size(part: &[u8]) -> Result<(), ()> {
    let part = part.strip_suffix(b"\r").unwrap_or(part);
    match part.first() {
        Some(b';') => Err(()),
        Some(_) => size(part).map(drop),
        None => Ok(()),
    }
}

fn is_field(line: &[u8]) -> bool {
    memchr::memchr(b':', line)
        .is_some_and(|colon| is_name(&line[..colon]) && !has_control_characters(&line[colon + 1..]))
}
