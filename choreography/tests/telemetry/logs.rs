//! Log lines, in both formats.

use std::io::Write;
use std::sync::{Arc, Mutex};

use choreography::telemetry::logs::layer;
use choreography::telemetry::{LogFormat, init_logs};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is written for one message with a field, both with `text` in them, in a span with it.
fn written(json: bool, text: &str) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::registry().with(layer(json, move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("batch", why = text);
        let _entered = span.enter();
        tracing::warn!(order.id = text, shown = %text, "refused: {text}");
    });
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_control_character_gets_through() {
    let all: String = (0..=0x9F).filter_map(char::from_u32).collect();
    for json in [false, true] {
        for text in ["a\nWARN forged", "\r\n", "\u{1b}[31mred", "\u{9b}31m", "\0", &all] {
            let line = written(json, text);
            let body = line.strip_suffix('\n').expect("it ends with a line feed");
            assert!(!body.chars().any(char::is_control), "{json} {text:?}: {body:?}");
        }
    }
}

#[test]
fn json_stays_json_and_tells_all() {
    let text = "a\nb\u{9b}c\u{7f} \"ü\"";
    let line: serde_json::Value = serde_json::from_str(&written(true, text)).unwrap();
    assert_eq!(line["order.id"], text);
    assert_eq!(line["shown"], text);
    assert_eq!(line["message"], format!("refused: {text}"));
    assert_eq!((&line["level"], &line["span"]["why"]), (&"WARN".into(), &text.into()));
}

#[test]
fn text_tells_escapes_in_place() {
    let line = written(false, "a\nb\u{1b}c");
    assert!(line.contains("refused: a\\nb"), "{line}");
    assert!(line.contains("WARN") && line.contains("order.id="), "{line}");
}

#[test]
fn it_may_be_started_twice() {
    init_logs(LogFormat::Auto);
    init_logs(LogFormat::Json);
}
