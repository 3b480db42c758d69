//! A wrong directory of sellers says which line is wrong and what would be right.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use seller_svc::directory::{Directory, Standing};

const SELLERS: &str = r#"
[[sellers]]
id = "acme"
name = "Acme Stationery"
standing = "active"

[[sellers]]
id = "dormant"
name = "Dormant Garden Supplies"
standing = "suspended"
"#;

fn read(text: &str) -> anyhow::Result<Directory> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    Directory::read(Some(&file))
}

#[track_caller]
fn check(right: &str, wrong: &str, message: &str) {
    assert!(SELLERS.contains(right));
    let error = format!("{:#}", read(&SELLERS.replace(right, wrong)).unwrap_err());
    assert!(error.contains("my.toml: "), "{error}");
    assert!(error.ends_with(message), "{error}");
}

#[test]
fn the_file_says_who_may_sell() {
    let directory = read(SELLERS).unwrap();
    assert_eq!(directory.standing(&"acme".parse().unwrap()), Some(Standing::Active));
    assert_eq!(directory.standing(&"dormant".parse().unwrap()), Some(Standing::Suspended));
    assert_eq!(directory.standing(&"nobody".parse().unwrap()), None);
    Directory::read(None).unwrap();
}

#[test]
fn a_wrong_value_is_named() {
    check("\"dormant\"", "\"acme\"", "line 7: the seller acme is there twice; once is right");
    check("\"dormant\"", "\"\"", "line 8: an id must not be empty");
    check(
        "\"suspended\"",
        "\"retired\"",
        "line 10: unknown variant `retired`, expected `active` or `suspended`",
    );
}

#[test]
fn a_wrong_key_is_named() {
    check("standing = \"suspended\"", "", "line 7: missing field `standing`");
    check(
        "name = \"Acme",
        "title = \"Acme",
        "line 4: unknown field `title`, expected one of `id`, `name`, `standing`",
    );
}

#[test]
fn a_missing_file_is_named() {
    let missing = std::path::Path::new("missing.toml");
    let error = format!("{:#}", Directory::read(Some(missing)).unwrap_err());
    assert_eq!(error, "missing.toml: No such file or directory (os error 2)");
}
