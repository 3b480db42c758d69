//! A client that speaks HTTP by the letter.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Asks one service.
pub(crate) struct Client {
    pub(crate) address: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) text: String,
    /// Null if it is not JSON.
    pub(crate) body: Value,
}

impl Client {
    /// Sends a request by the letter. Out: the connection, from which its answer comes.
    pub(crate) fn send(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        stream.write_all(request).expect("sent");
        stream
    }

    pub(crate) fn ask_bytes(&self, request: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let mut bytes = format!(
            "{request} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        answer(self.send(&bytes))
    }

    /// Asks with a body of JSON.
    pub(crate) fn ask(&self, request: &str, headers: &str, body: &str) -> Answer {
        let json = format!("Content-Type: application/json\r\n{headers}");
        self.ask_bytes(request, &json, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask_bytes(&format!("GET {path}"), "", b"")
    }

    pub(crate) fn place(&self, headers: &str, body: &Value) -> Answer {
        self.ask("POST /orders", headers, &body.to_string())
    }

    /// Opens a stream. HTTP/1.0 has no chunks, so what comes is the stream itself.
    pub(crate) fn stream(&self, order: &str, headers: &str) -> TcpStream {
        self.send(format!("GET /orders/{order}/events HTTP/1.0\r\n{headers}\r\n").as_bytes())
    }

    /// Asks again until `good`, for half a minute.
    pub(crate) fn get_until(&self, path: &str, good: impl Fn(&Answer) -> bool) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.get(path);
            if good(&answer) {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "still {answer:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Reads an answer until the connection is closed.
pub(crate) fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = vec![];
    stream.read_to_end(&mut bytes).expect("answered");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, text) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let body = serde_json::from_str(text).unwrap_or_default();
    Answer { status, head: head.to_lowercase(), text: text.to_owned(), body }
}
