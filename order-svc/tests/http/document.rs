//! The OpenAPI document is true, and the page to try it asks nobody else.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::client::Answer;
use crate::service::Service;

const METHODS: [&str; 7] = ["get", "post", "put", "delete", "patch", "options", "trace"];

fn paths(document: &Answer) -> &Map<String, Value> {
    assert_eq!(document.status, 200, "{}", document.text);
    assert_eq!(document.body["openapi"], "3.1.0");
    document.body["paths"].as_object().expect("paths")
}

#[test]
fn each_route_is_in_the_document_and_each_path_of_the_document_is_there() {
    let service = Service::start().up();
    let document = service.get("/openapi.json");
    for (path, item) in paths(&document) {
        let asked = path.replace("{id}", "none").replace("{name}", "unknown-order");
        for method in METHODS {
            let answer = service.ask(&format!("{} {asked}", method.to_uppercase()), "", "");
            let kind = answer.body["type"].as_str().unwrap_or_default();
            assert_ne!(kind, "/problems/unknown-path", "{method} {path}");
            let documented = item.get(method).is_some();
            assert_eq!(documented, answer.status != 405, "{method} {path}: {}", answer.text);
            if !documented {
                let allow = answer.head.lines().find_map(|line| line.strip_prefix("allow: "));
                let allow = allow.expect("Allow").split(',').filter(|name| *name != "head");
                let mut allow: Vec<_> = allow.collect();
                let mut all: Vec<_> = item.as_object().expect("methods").keys().collect();
                allow.sort_unstable();
                all.sort_unstable();
                assert_eq!(allow, all, "{path}");
            }
        }
    }
    // Those of the runtime are described by hand, all others by the attribute that routes them.
    for file in ["src/http.rs", "../choreography/src/health.rs"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        for route in text.split(".route(\"").skip(1) {
            let path = route.split('"').next().unwrap();
            assert!(paths(&document).contains_key(path), "{path} of {file} is not described");
        }
    }
}

#[test]
fn each_kind_of_problem_is_described_and_has_a_page() {
    let service = Service::start().up();
    let document = service.get("/openapi.json").text;
    let none = service.get("/problems/none");
    let detail = none.body["detail"].as_str().expect("a detail");
    let names: Vec<_> = detail.rsplit_once("only ").expect("names").1.split(", ").collect();
    assert!(15 < names.len());
    for name in names {
        let path = format!("/problems/{name}");
        assert!(document.contains(&path), "{name} is not described");
        let page = service.get(&path);
        assert_eq!((page.status, &page.body["type"]), (200, &path.into()));
    }
}

#[test]
fn what_is_given_as_an_example_is_right() {
    let service = Service::start().up();
    let document = service.get("/openapi.json");
    let example = &paths(&document)["/orders"]["post"]["requestBody"]["content"]["application/json"]
        ["example"];
    let placed = service.place("", example);
    assert_eq!(placed.status, 202, "{}", placed.text);
}

#[test]
fn the_page_asks_this_service_only() {
    let service = Service::start().up();
    let page = service.get("/docs");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-type: text/html"));
    assert!(page.head.contains("default-src 'none'") && page.head.contains("connect-src 'self'"));
    let elsewhere = ["http:", "https:", "src=", "@import", "url("];
    assert!(elsewhere.iter().all(|word| !page.text.contains(word)), "it is whole in itself");
}
