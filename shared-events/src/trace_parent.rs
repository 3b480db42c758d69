//! The header `traceparent` of W3C Trace Context.

use std::fmt;
use std::str::FromStr;

/// A W3C `traceparent`: which span sent the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never all zero.
    pub trace_id: [u8; 16],
    /// The span; never all zero.
    pub span_id: [u8; 8],
    /// Bit 0: sampled; bit 1: the trace id is random. The other bits are cleared while parsing, as
    /// nobody who does not know them may pass them on.
    pub flags: u8,
}

/// The text is not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid traceparent")]
pub struct TraceParentError;

impl FromStr for TraceParent {
    type Err = TraceParentError;

    /// Strict for version 00: 55 characters, lower-case hexadecimal digits. Of a higher version the
    /// part that looks like version 00 is read; version ff is invalid.
    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let (start, rest) = text.split_at_checked(55).ok_or(TraceParentError)?;
        let mut parts = start.split('-');
        let mut next = || parts.next().ok_or(TraceParentError);
        let [version] = hex(next()?)?;
        let parent = Self {
            trace_id: hex(next()?)?,
            span_id: hex(next()?)?,
            flags: hex::<1>(next()?)?[0] & 3,
        };
        let rest_fits = rest.is_empty() || (version != 0 && rest.starts_with('-'));
        let valid =
            rest_fits && version != 0xFF && parent.trace_id != [0; 16] && parent.span_id != [0; 8];
        if valid { Ok(parent) } else { Err(TraceParentError) }
    }
}

/// `N` bytes as lower-case hexadecimal digits, and nothing else.
fn hex<const N: usize>(text: &str) -> Result<[u8; N], TraceParentError> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(TraceParentError) };
    let mut bytes = [0; N];
    if pairs.len() != N {
        return Err(TraceParentError);
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(bytes)
}

fn digit(byte: u8) -> Result<u8, TraceParentError> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(TraceParentError),
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace_id = u128::from_be_bytes(self.trace_id);
        let span_id = u64::from_be_bytes(self.span_id);
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", self.flags)
    }
}
