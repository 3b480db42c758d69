//! W3C trace context, version 00 and what it says of higher versions.

use proptest::prelude::*;
use shared_events::trace_parent::TraceParent;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_valid_one_comes_back_as_it_was() {
    let parent: TraceParent = VALID.parse().unwrap();
    assert_eq!(parent.trace_id[..4], [0x4b, 0xf9, 0x2f, 0x35]);
    assert_eq!(parent.span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(parent.flags, 1);
    assert_eq!(parent.to_string(), VALID);
}

#[test]
fn flags_that_nobody_knows_are_not_passed_on() {
    let parent: TraceParent = VALID.replace("b7-01", "b7-ff").parse().unwrap();
    assert_eq!(parent.to_string(), VALID.replace("b7-01", "b7-03"));
}

#[test]
fn a_higher_version_is_read_as_far_as_it_looks_like_version_00() {
    for text in [
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    ] {
        assert_eq!(text.parse::<TraceParent>().map(|p| p.to_string()).as_deref(), Ok(VALID));
    }
}

#[test]
fn what_w3c_forbids_is_refused() {
    let cases = [
        String::new(),
        "00".to_owned(),
        VALID[..54].to_owned(),
        VALID.to_uppercase(),
        format!("{VALID}-"),
        format!("{VALID}-more"),
        format!(" {VALID}"),
        VALID.replace("00-4", "ff-4"),
        VALID.replace("00-4", "01-4") + "more",
        VALID.replace('-', "_"),
        VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        VALID.replace("00f067aa0ba902b7", &"0".repeat(16)),
        VALID.replace("00f067aa0ba902b7", "0-f067aa0ba902b7"),
        VALID.replace("00f067aa0ba902b7", "00f067aa0ba902bg"),
        VALID.replace("4736-00", "473-600"),
        VALID.replace("e4736", "é736"),
    ];
    for text in cases {
        assert!(text.parse::<TraceParent>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_comes_back(text in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]|\\PC{0,60}") {
        if let Ok(parent) = text.parse::<TraceParent>() {
            prop_assert_eq!(&parent.to_string()[2..], &text[2..55]);
        }
    }
}
