//! All that is in the corpus, without the fuzzer. One test, as it measures the memory of the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fuzz::check;

#[test]
fn nothing_in_the_corpus_does_more_than_it_may() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/decode");
    let mut read = BTreeSet::new();
    for file in fs::read_dir(folder).expect("the corpus") {
        let path = file.expect("an entry").path();
        let events = check(&fs::read(&path).expect("bytes"));
        // What is an event is named after it.
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let expected = if path.extension().is_some() { vec![] } else { vec![name.as_str()] };
        assert_eq!(events, expected, "{}", path.display());
        read.extend(events);
    }
    let ids = include_str!("../../schemas/ids.json");
    let ids: BTreeMap<String, String> = serde_json::from_str(ids).expect("JSON");
    let event = |file: &String| {
        file.rsplit('/').next().and_then(|name| Some(name.split_once('.')?.0.to_owned()))
    };
    let all: BTreeSet<String> = ids.values().filter_map(event).collect();
    assert_eq!(
        read.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
        all,
        "an event has no file"
    );
    large_records();
}

/// As large as a record may be, which is too large for a corpus: the most that a mebibyte can ask for.
fn large_records() {
    const ORDER_CANCELLED: [u8; 5] = [0, 0x4A, 0x3B, 0xF6, 0x0D];
    let items = 500 * 1024_u64;
    let mut value = [&b"ce_type: OrderCancelled\n\n"[..], &ORDER_CANCELLED, &[2, b'O']].concat();
    value.extend(long(items));
    value.extend(vec![0; 2 * usize::try_from(items).expect("few")]);
    value.push(0);
    assert_eq!(check(&value), ["OrderCancelled"]);

    let headers = [&b"a: b\n".repeat(100_000)[..], b"ce_id: 1\n"].concat();
    assert_eq!(check(&headers), [""; 0]);
    let header = [b"traceparent: ", &vec![b'0'; 1 << 20][..], b"\n\n"].concat();
    assert_eq!(check(&header), [""; 0]);
}

/// A length as Avro writes it.
fn long(number: u64) -> Vec<u8> {
    let mut rest = number << 1;
    let mut bytes = vec![];
    while 0x7F < rest {
        bytes.push(0x80 | (rest & 0x7F) as u8);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}
