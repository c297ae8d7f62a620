//! W3C Trace Context: the `traceparent` header, read strictly and written.
//!
//! <https://www.w3.org/TR/trace-context/#traceparent-header>. Ids are kept as the hex text that
//! every reader wants; `tracestate` is not kept.

use std::fmt;

/// Names a trace: 16 bytes as 32 lower-case hex digits, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 32]);

/// Names a span of a trace: 8 bytes as 16 lower-case hex digits, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 16]);

impl TraceId {
    /// Where nothing is traced.
    pub(super) const NONE: Self = Self([b'0'; 32]);

    /// A fresh random id.
    pub fn generate() -> Self {
        // Or-ing a bit in keeps it from being zero.
        Self(hex(fastrand::u128(..) | 1))
    }

    /// The 32 hex digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl SpanId {
    /// Where nothing is traced.
    pub(super) const NONE: Self = Self([b'0'; 16]);

    /// A fresh random id.
    pub fn generate() -> Self {
        Self(hex(u128::from(fastrand::u64(..) | 1)))
    }

    /// The 16 hex digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// What a `traceparent` header says: which trace, which span is the parent, whether it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: TraceId,
    parent_id: SpanId,
    sampled: bool,
}

impl TraceParent {
    /// A header to send: `parent_id` is the span that the receiver's own hang from.
    pub const fn new(trace_id: TraceId, parent_id: SpanId, sampled: bool) -> Self {
        Self {
            trace_id,
            parent_id,
            sampled,
        }
    }

    /// Reads a header. `None` for whatever the specification calls invalid; a later version is read
    /// as far as this one knows it.
    pub fn parse(header: &str) -> Option<Self> {
        let (head, rest) = header.as_bytes().split_at_checked(55)?;
        let [v1, v2, b'-', head @ ..] = head else {
            return None;
        };
        let (trace_id, head) = head.split_first_chunk::<32>()?;
        let (b'-', head) = head.split_first()? else {
            return None;
        };
        let (parent_id, head) = head.split_first_chunk::<16>()?;
        let [b'-', flags @ ..] = head else {
            return None;
        };

        let version = [*v1, *v2];
        let known = match &version {
            b"ff" => false,
            b"00" => rest.is_empty(),
            _ => rest.first().is_none_or(|&next| next == b'-'),
        };
        let hex = [&version[..], trace_id, parent_id, flags]
            .into_iter()
            .flatten()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |id: &[u8]| id.iter().all(|&digit| digit == b'0');
        if !known || !hex || zero(trace_id) || zero(parent_id) {
            return None;
        }
        let flags = u8::from_str_radix(str::from_utf8(flags).ok()?, 16).ok()?;
        Some(Self {
            trace_id: TraceId(*trace_id),
            parent_id: SpanId(*parent_id),
            sampled: flags & 1 == 1,
        })
    }

    /// The trace.
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span of the sender.
    pub const fn parent_id(&self) -> SpanId {
        self.parent_id
    }

    /// Whether the sender may have recorded it.
    pub const fn sampled(&self) -> bool {
        self.sampled
    }
}

/// The header, version 00.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{}-{}-0{}",
            self.trace_id,
            self.parent_id,
            u8::from(self.sampled)
        )
    }
}

/// The lowest `N` hex digits of a number.
fn hex<const N: usize>(mut number: u128) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        // A remainder of 16 fits every type.
        let value = u8::try_from(number & 0xf).unwrap_or_default();
        *digit = if value < 10 {
            b'0' + value
        } else {
            b'a' + value - 10
        };
        number >>= 4;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_valid_header_is_read_and_written_back() {
        for (flags, sampled) in [
            ("00", false),
            ("01", true),
            ("03", true),
            ("fe", false),
            ("ff", true),
        ] {
            let parent = TraceParent::parse(&format!("00-{TRACE}-{SPAN}-{flags}")).unwrap();
            assert_eq!(parent.trace_id().as_str(), TRACE);
            assert_eq!(parent.parent_id().as_str(), SPAN);
            assert_eq!(parent.sampled(), sampled, "{flags}");
            let written = format!("00-{TRACE}-{SPAN}-0{}", u8::from(sampled));
            assert_eq!(
                parent.to_string(),
                written,
                "unknown flags are not passed on"
            );
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for rest in ["", "-", "-what-the-future-has-to-say"] {
            let header = format!("cc-{TRACE}-{SPAN}-01{rest}");
            assert!(TraceParent::parse(&header).unwrap().sampled(), "{header}");
        }
    }

    #[test]
    fn what_the_specification_calls_invalid_is_refused() {
        let zeroes = "0".repeat(32);
        for header in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("00-{zeroes}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeroes[..16]),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0"),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-extra"),
            format!("cc-{TRACE}-{SPAN}-01extra"),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}_01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{}ä-{SPAN}-01", &TRACE[2..]),
            "ä".repeat(28),
        ] {
            assert_eq!(TraceParent::parse(&header), None, "{header:?}");
        }
    }

    #[test]
    fn generated_ids_are_hex_fresh_and_not_zero() {
        let (a, b) = (TraceId::generate(), TraceId::generate());
        assert_ne!(a, b);
        let sent = TraceParent::new(a, SpanId::generate(), true);
        assert_eq!(TraceParent::parse(&sent.to_string()), Some(sent));
    }
}
