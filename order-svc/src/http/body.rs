//! A body on its way in: its type, its size, its time, and then its rule.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use serde::de::DeserializeOwned;

use super::json::{self, Json};
use super::kinds::Kind;
use super::problem::Problem;
use super::request::Body;

/// The largest body that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Of a larger one so many bytes are read in all before its connection is closed.
const BYTES_DROPPED_MAX: usize = 16 * 1024 * 1024;

/// A body has to come within this time.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Reads a body that must be there.
pub(super) async fn read<B: Body + DeserializeOwned>(request: Request) -> Result<B, Problem> {
    let headers = request.headers().clone();
    let body = bytes(request).await?;
    is_json(&headers)?;
    typed(json::parse(&body)?)
}

/// Reads a body that may be left out, or null.
pub(super) async fn read_if_any<B: Body + DeserializeOwned + Default>(
    request: Request,
) -> Result<B, Problem> {
    let headers = request.headers().clone();
    let body = bytes(request).await?;
    if body.is_empty() {
        return Ok(B::default());
    }
    is_json(&headers)?;
    match json::parse(&body)? {
        Json::Null => Ok(B::default()),
        json @ (Json::Bool(_)
        | Json::Number(_)
        | Json::Text(_)
        | Json::List(_)
        | Json::Object(_)) => typed(json),
    }
}

fn typed<B: Body + DeserializeOwned>(json: Json) -> Result<B, Problem> {
    let value = B::RULE.read(json, "")?;
    // Whatever a rule lets pass has its type; a rule that does not is told as one field of all.
    serde_json::from_value(value)
        .map_err(|error| Problem::new(Kind::InvalidField, error.to_string()).field(""))
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let (name, parameters) =
        sent.unwrap_or_default().split_once(';').unwrap_or((sent.unwrap_or_default(), ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let utf_8 = ["", "charset=utf-8", "charset=\"utf-8\""].contains(&charset.as_str());
    if name.trim().eq_ignore_ascii_case("application/json") && utf_8 {
        return Ok(());
    }
    let sent = sent.map_or("nothing".to_owned(), |sent| format!("{sent:?}"));
    let detail = format!("send the body with Content-Type: application/json, not with {sent}");
    Err(Problem::new(Kind::UnsupportedMediaType, detail).field("Content-Type"))
}

/// Reads a body to its end. Of one that is too large the rest is read, too, and dropped: whoever is
/// still sending would not see the answer.
async fn bytes(request: Request) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let detail = format!("a body has at most {BODY_BYTES_MAX} bytes");
        Problem::new(Kind::BodyTooLarge, detail)
    };
    if request.headers().contains_key(header::EXPECT) && declared_too_large(request.headers()) {
        return Err(too_large());
    }
    let mut read = vec![];
    let mut count = 0;
    let all = async {
        let mut chunks = request.into_body().into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            count += chunk.len();
            if count <= BODY_BYTES_MAX {
                read.extend_from_slice(&chunk);
            } else if BYTES_DROPPED_MAX < count {
                break;
            }
        }
        Ok::<(), axum::Error>(())
    };
    let ended = tokio::time::timeout(BODY_TIME, all).await;
    if BODY_BYTES_MAX < count {
        return Err(too_large());
    }
    match ended {
        Ok(Ok(())) => Ok(read),
        Ok(Err(error)) => {
            Err(Problem::new(Kind::MalformedJson, format!("the body breaks off: {error}"))
                .field(""))
        }
        Err(_) => {
            let detail = format!("the body has not come within {} seconds", BODY_TIME.as_secs());
            Err(Problem::new(Kind::BodyTooSlow, detail))
        }
    }
}

/// Who asks before sending need not send it.
fn declared_too_large(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| BODY_BYTES_MAX < length)
}
