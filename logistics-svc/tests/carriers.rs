//! A wrong table of carriers says which line is wrong and what would be right.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use logistics_svc::carriers::Carriers;

const ZONE: &str = r#"
[[zones]]
name = "home"
countries = ["DE"]
warehouse = "Leipzig"
"#;

const CARRIER: &str = r#"
[[carriers]]
name = "Quick Parcel"
zones = ["home"]
weight_max_g = 30_000
days = 1
"#;

fn read(text: &str) -> anyhow::Result<Carriers> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    Carriers::read(Some(&file))
}

#[track_caller]
fn check(right: &str, wrong: &str, message: &str) {
    let text = [ZONE, CARRIER].concat();
    assert!(text.contains(right));
    let error = format!("{:#}", read(&text.replace(right, wrong)).unwrap_err());
    assert!(error.contains("my.toml: "), "{error}");
    assert!(error.ends_with(message), "{error}");
}

#[test]
fn the_built_in_table_and_the_one_of_this_test_are_right() {
    Carriers::read(None).unwrap();
    read(&[ZONE, CARRIER].concat()).unwrap();
}

#[test]
fn a_wrong_value_is_named() {
    check("\"DE\"", "\"de\"", "line 2: a country is two capital letters like \"DE\", not \"de\"");
    check(
        "zones = [\"home\"]",
        "zones = [\"moon\"]",
        "line 7: there is no zone \"moon\", the zones are [\"home\"]",
    );
    check("zones = [\"home\"]", "zones = []", "line 2: no carrier goes to the zone \"home\"");
    check("30_000", "-1", "line 10: invalid value: integer `-1`, expected u32");
    check("days = 1", "days = \"one\"", "line 11: invalid type: string \"one\", expected u16");
}

#[test]
fn a_wrong_key_is_named() {
    check("days = 1", "", "line 7: missing field `days`");
    check(
        "days = 1",
        "weeks = 1",
        "line 11: unknown field `weeks`, expected one of `name`, `zones`, `weight_max_g`, `days`",
    );
    check("days = 1", "days 1", "line 11: key with no value, expected `=`");
}

#[test]
fn a_missing_file_is_named() {
    let missing = std::path::Path::new("missing.toml");
    let error = format!("{:#}", Carriers::read(Some(missing)).unwrap_err());
    assert_eq!(error, "missing.toml: No such file or directory (os error 2)");
}
