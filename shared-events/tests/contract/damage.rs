//! Bytes that are not what they should be: a named error or another event, never a panic, and soon.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::TestRunner;
use shared_events::codec::{DecodeError, decode, encode, limit_allocations, writer_id};
use shared_events::event::Event;
use shared_events::orders::{OrderCancelled, OrderConfirmed, OrderPlaced};
use shared_events::sellers::SellerDeclined;

use crate::events::Sample;
use crate::files::newest;
use crate::golden::golden;

/// A value of `E` with these bytes as its datum.
fn value_of<E: Event>(datum: &[u8]) -> Vec<u8> {
    [&[0], &E::schemas().newest_id().to_be_bytes()[..], datum].concat()
}

fn why<E: Event>(datum: &[u8]) -> String {
    decode::<E>(&value_of::<E>(datum)).expect_err("damaged").to_string()
}

#[test]
fn the_prefix_is_checked() {
    type Result = std::result::Result<OrderPlaced, DecodeError>;
    let unknown: Result = decode(&[0, 0, 0, 0, 42, 1]);
    assert_eq!(unknown, Err(DecodeError::UnknownSchema { id: 42 }));
    assert_eq!(writer_id(&[0, 0, 0, 0, 42]), Ok(42));
    assert_eq!(writer_id(&[]), Err(DecodeError::Tombstone));
    assert_eq!(writer_id(&[0, 0, 0, 42]), Err(DecodeError::TooShort { bytes: 4 }));
    assert_eq!(writer_id(b"{}"), Err(DecodeError::Magic { found: b'{' }));
    let id = SellerDeclined::schemas().newest_id();
    let other: Result = decode(&value_of::<SellerDeclined>(&[]));
    assert_eq!(other, Err(DecodeError::UnknownSchema { id }));
}

#[test]
fn every_event_that_is_cut_off_or_too_long_is_refused() {
    for_each_event!(cut);
}

fn cut<E: Sample>() {
    let (value, _) = &golden()[&newest::<E>()];
    for end in 5..value.len() {
        let error = decode::<E>(&value[..end]).expect_err("cut off").to_string();
        assert!(error.ends_with("the bytes end early"), "{} at {end}: {error}", E::NAME);
    }
    for count in 1..4 {
        let more = [value, &vec![0; count][..]].concat();
        assert_eq!(decode::<E>(&more), Err(DecodeError::TrailingBytes { count }));
    }
}

#[test]
fn an_event_with_a_flipped_bit_is_refused_or_another_event() {
    for_each_event!(flip);
}

fn flip<E: Sample>() {
    let (value, _) = &golden()[&newest::<E>()];
    let event: E = decode(value).expect("an event");
    for bit in 0..value.len() * 8 {
        let mut damaged = value.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = decode::<E>(&damaged) {
            // The digits of a UUID mean the same in both cases.
            let same = damaged.eq_ignore_ascii_case(value);
            assert!(other != event || same, "{} with bit {bit} flipped", E::NAME);
            assert_eq!(decode(&encode(&other).expect("it fits")), Ok(other));
        }
    }
}

#[test]
fn random_bytes_are_refused_or_an_event() {
    for_each_event!(random);
}

fn random<E: Sample>() {
    let start = Instant::now();
    let run = TestRunner::default().run(&vec(any::<u8>(), 0..300), |bytes| {
        let _ = decode::<E>(&bytes);
        if let Ok(event) = decode::<E>(&value_of::<E>(&bytes)) {
            assert_eq!(decode(&encode(&event).expect("it fits")), Ok(event));
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{}: {e}", E::NAME));
    assert!(start.elapsed() < Duration::from_secs(30), "{}", E::NAME);
}

/// A long as Avro writes it.
fn long(number: i64) -> Vec<u8> {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut bytes = vec![];
    while 0x7F < rest {
        bytes.push(0x80 | (rest & 0x7F) as u8);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

#[test]
fn lengths_that_are_only_claimed_allocate_at_most_a_mebibyte() {
    limit_allocations();
    let limit = apache_avro::util::max_allocation_bytes(usize::MAX);
    assert_eq!(limit, 1024 * 1024, "a limit that is set once stays");

    let mebibyte = 1024 * 1024;
    assert!(why::<OrderConfirmed>(&long(mebibyte)).contains("end early"));
    assert!(why::<OrderConfirmed>(&long(mebibyte + 1)).contains("allocate"));
    assert!(why::<OrderConfirmed>(&long(i64::MAX)).contains("allocate"));
    assert!(why::<OrderConfirmed>(&long(-1)).contains("convert"));
    assert!(why::<OrderConfirmed>(&long(i64::MIN)).contains("convert"));
    assert!(why::<OrderConfirmed>(&[0xFF; 11]).contains("verflow"));
}

#[test]
fn arrays_end_with_the_bytes_whatever_count_they_claim() {
    let order_id = [2, b'O'];
    for count in [1, 1 << 40, i64::MAX, i64::MIN, -1] {
        let datum = [&order_id, &long(count)[..], &[72; 20]].concat();
        assert!(why::<OrderConfirmed>(&datum).contains("end early"), "{count}");
    }
}

/// The most work that a mebibyte can ask for: its items have two bytes each.
#[test]
fn a_mebibyte_of_the_smallest_items_is_read_soon() {
    let start = Instant::now();
    let items = 512 * 1024;
    let datum = [&[2, b'O'][..], &long(items), &vec![0; 2 * items as usize], &[0]].concat();
    let event: OrderCancelled = decode(&value_of::<OrderCancelled>(&datum)).unwrap();
    assert_eq!(event.reasons.len() as i64, items);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_is_wrong_with_a_datum_is_said_without_its_values() {
    let text = |text: &str| [&long(text.len() as i64), text.as_bytes()].concat();
    let declined = |reason: i64| [text("O-1"), text("S-1"), long(reason)].concat();
    assert!(why::<SellerDeclined>(&declined(4)).contains("Enum"));
    assert!(why::<SellerDeclined>(&declined(-1)).contains("convert"));
    let not_utf_8 = [&text("O-1")[..], &[4, 0xC3, 0x28]].concat();
    assert_eq!(why::<SellerDeclined>(&not_utf_8), "not a SellerDeclined: Invalid utf-8 string");
}
