//! What our producers write, and what can be read of what others write.

use shared_events::amounts::Timestamp;
use shared_events::headers::{AnswerCount, Envelope, RawHeaders, Received, VALUE_BYTES_MAX};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn envelope() -> Envelope {
    Envelope {
        id: "0193f7a0-5678-8abc-9abc-0123456789ab".parse().expect("an id"),
        source: "/inventory-svc".to_owned(),
        name: "StockReserved".to_owned(),
        time: Timestamp(1_767_225_600_007),
        subject: "O-1".to_owned(),
        correlation: Some("O-1".to_owned()),
        causation: Some("0193f7a0-1234-7abc-8def-0123456789ab".parse().expect("an id")),
        answers: Some(AnswerCount { index: 2, total: 3 }),
        sequence: Some(17),
        traceparent: TRACEPARENT.to_owned(),
        tracestate: Some("vendor=1".to_owned()),
    }
}

fn raw(headers: &[(&str, &str)]) -> RawHeaders {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), Some(value.as_bytes().to_vec()));
    headers.iter().map(owned).collect()
}

/// These bytes are in topics: a change here is a change of the contract.
#[test]
fn golden_headers() {
    let wanted = [
        ("traceparent", TRACEPARENT),
        ("ce_specversion", "1.0"),
        ("ce_id", "0193f7a0-5678-8abc-9abc-0123456789ab"),
        ("ce_source", "/inventory-svc"),
        ("ce_type", "StockReserved"),
        ("ce_time", "2026-01-01T00:00:00.007Z"),
        ("ce_subject", "O-1"),
        ("content-type", "application/avro"),
        ("tracestate", "vendor=1"),
        ("ce_correlationid", "O-1"),
        ("ce_causationid", "0193f7a0-1234-7abc-8def-0123456789ab"),
        ("ce_answers", "2/3"),
        ("ce_sequence", "0000000017"),
    ];
    assert_eq!(envelope().write(), raw(&wanted));
}

#[test]
fn what_is_not_known_is_not_written() {
    let bare = Envelope {
        correlation: None,
        causation: None,
        answers: None,
        sequence: None,
        tracestate: None,
        ..envelope()
    };
    assert_eq!(bare.write(), envelope().write()[..8]);
}

#[test]
fn what_is_written_is_read() {
    let headers = envelope().write();
    let received = Received::read(&headers);
    let wanted = envelope();
    assert_eq!(received.id, Some("0193f7a0-5678-8abc-9abc-0123456789ab"));
    assert_eq!(received.source, Some("/inventory-svc"));
    assert_eq!(received.name, Some("StockReserved"));
    assert_eq!(received.time, Some(wanted.time));
    assert_eq!(received.subject, Some("O-1"));
    assert_eq!(received.correlation, Some("O-1"));
    assert_eq!(received.causation, wanted.causation);
    assert_eq!(received.answers, wanted.answers);
    assert_eq!(received.sequence, Some(17));
    assert_eq!(received.content_type, Some("application/avro"));
    assert_eq!(received.tracestate, Some("vendor=1"));
    assert_eq!(received.trace_context().unwrap().to_string(), TRACEPARENT);
    assert!(!received.is_structured());
}

#[test]
fn the_last_header_of_a_name_counts_even_if_it_is_no_use() {
    let two = raw(&[("ce_id", "1"), ("ce_id", "2")]);
    assert_eq!(Received::read(&two).id, Some("2"));
    for last in [None, Some(vec![]), Some(vec![0xFF]), Some(b"a\0b".to_vec())] {
        let mut headers = two.clone();
        headers.push(("ce_id".to_owned(), last));
        assert_eq!(Received::read(&headers).id, None);
    }
    assert_eq!(Received::read(&raw(&[("CE_ID", "1")])).id, None, "names are compared exactly");
}

#[test]
fn there_are_limits() {
    let text = "a".repeat(VALUE_BYTES_MAX);
    assert_eq!(Received::read(&raw(&[("ce_id", &text)])).id, Some(&text[..]));
    assert_eq!(Received::read(&raw(&[("ce_id", &(text + "a"))])).id, None);

    let mut many = raw(&[("ce_id", "1")]);
    many.resize(256, ("other".to_owned(), None));
    assert_eq!(Received::read(&many).id, Some("1"));
    many.push(("other".to_owned(), None));
    assert_eq!(Received::read(&many).id, None);
    assert_eq!(Received::read(&vec![]), Received::default());
}

#[test]
fn times_are_rfc_3339_in_any_offset() {
    let time = |text: &str| Received::read(&raw(&[("ce_time", text)])).time;
    assert_eq!(time("1970-01-01T00:00:01Z"), Some(Timestamp(1000)));
    assert_eq!(time("1970-01-01T01:00:00.0019999+01:00"), Some(Timestamp(1)));
    assert_eq!(time("1969-12-31T23:59:59.9999Z"), Some(Timestamp(-1)));
    for bad in ["yesterday", "1970-01-01", "1000", "1970-13-01T00:00:00Z"] {
        assert_eq!(time(bad), None, "{bad}");
    }
}

#[test]
fn a_time_that_rfc_3339_does_not_have_becomes_the_nearest_that_it_has() {
    let written = |ms| {
        let headers = Envelope { time: Timestamp(ms), ..envelope() }.write();
        String::from_utf8(headers[5].1.clone().unwrap()).unwrap()
    };
    assert_eq!(written(i64::MIN), "0000-01-01T00:00:00.000Z");
    assert_eq!(written(-1), "1969-12-31T23:59:59.999Z");
    assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999Z");
}

#[test]
fn numbers_are_digits() {
    let answers = |text: &str| Received::read(&raw(&[("ce_answers", text)])).answers;
    assert_eq!(answers("1/1"), Some(AnswerCount { index: 1, total: 1 }));
    for bad in ["", "1", "0/1", "2/1", "1/-1", "+1/2", "1/2/3", " 1/2", "1/4294967296"] {
        assert_eq!(answers(bad), None, "{bad}");
    }
    let sequence = |text: &str| Received::read(&raw(&[("ce_sequence", text)])).sequence;
    assert_eq!(sequence("0000000001"), Some(1));
    assert_eq!(sequence("18446744073709551615"), Some(u64::MAX));
    for bad in ["", "-1", "+1", "1.0", "18446744073709551616"] {
        assert_eq!(sequence(bad), None, "{bad}");
    }
}

#[test]
fn a_cause_that_is_no_uuid_is_absent() {
    assert_eq!(Received::read(&raw(&[("ce_causationid", "order 17")])).causation, None);
}

#[test]
fn a_trace_state_without_a_trace_is_absent() {
    for traceparent in ["", "00-0-0-0", &TRACEPARENT.to_uppercase()] {
        let headers = raw(&[("tracestate", "vendor=1"), ("traceparent", traceparent)]);
        let received = Received::read(&headers);
        assert_eq!((received.tracestate, received.trace_context()), (None, None));
    }
}

#[test]
fn structured_mode_is_told_by_the_content_type() {
    let structured = |text: &str| Received::read(&raw(&[("content-type", text)])).is_structured();
    assert!(structured("application/cloudevents"));
    assert!(structured("Application/CloudEvents+json; charset=UTF-8"));
    assert!(structured("application/cloudevents-batch+json"));
    assert!(!structured("application/avro"));
    assert!(!structured("application/cloudevent"));
    assert!(!structured("application/cloudevené"));
}
