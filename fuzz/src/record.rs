//! A record as the bytes of one file, so that a person can read the headers of one in the corpus.

use shared_events::headers::RawHeaders;

/// Headers and value.
pub(crate) struct Record {
    pub(crate) headers: RawHeaders,
    pub(crate) value: Vec<u8>,
}

impl Record {
    /// Lines of headers, each `name: value`, up to an empty line; what follows is the value. A line without
    /// a colon is a header without a value. All bytes are some record.
    pub(crate) fn of(input: &[u8]) -> Self {
        let mut headers = vec![];
        let mut rest = input;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            if line.is_empty() {
                break;
            }
            let colon = line.windows(2).position(|at| at == b": ");
            let (name, value) = match colon {
                Some(at) => (&line[..at], Some(line[at + 2..].to_vec())),
                None => (line, None),
            };
            headers.push((String::from_utf8_lossy(name).into_owned(), value));
        }
        Self { headers, value: rest.to_vec() }
    }
}
