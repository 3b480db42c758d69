//! Whether a caller takes what a path has.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::kinds::Kind;
use super::problem::Problem;

/// Answers 406 before anything is done, if the header `Accept` excludes the form of the path.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let form = match request.uri().path() {
        "/docs" => "text/html",
        path if path.starts_with("/orders/") && path.ends_with("/events") => "text/event-stream",
        _ => "application/json",
    };
    if accepts(request.headers(), form) {
        return next.run(request).await;
    }
    let detail = format!("the answer is {form}, which the header Accept excludes");
    Problem::new(Kind::NotAcceptable, detail).field("Accept").into_response()
}

/// No header, or an empty one, accepts everything. The most specific range that fits decides
/// (RFC 9110, 12.5.1).
fn accepts(headers: &HeaderMap, form: &str) -> bool {
    let sent: Vec<_> = headers.get_all(header::ACCEPT).iter().map(|value| value.to_str()).collect();
    let ranges = sent.iter().flatten().flat_map(|value| value.split(','));
    let ranges: Vec<_> = ranges.map(str::trim).filter(|range| !range.is_empty()).collect();
    let fits = ranges.iter().filter_map(|range| {
        let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
        specificity(name.trim(), form).map(|specific| (specific, !is_excluded(parameters)))
    });
    ranges.is_empty() || fits.max().is_some_and(|(_, accepted)| accepted)
}

fn specificity(range: &str, form: &str) -> Option<u8> {
    let kind = form.split('/').next().unwrap_or_default();
    if range.eq_ignore_ascii_case(form) {
        return Some(2);
    }
    match range.split_once('/')? {
        ("*", "*") => Some(0),
        (start, "*") if start.eq_ignore_ascii_case(kind) => Some(1),
        _ => None,
    }
}

/// A weight of 0 means: not this.
fn is_excluded(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let Some((name, weight)) = parameter.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("q")
            && weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
    })
}
