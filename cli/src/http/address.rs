//! Where order-svc listens.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, ensure};
use reqwest::Url;

/// The URL below which its pages are, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(String);

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let url: Url = text.parse().context("a URL is needed, such as http://127.0.0.1:8080")?;
        ensure!(
            url.scheme() == "http" && url.has_host(),
            "only http:// is built in; for https:// put a proxy between, such as a sidecar"
        );
        ensure!(
            url.query().is_none() && url.fragment().is_none(),
            "a URL without ? and # is needed"
        );
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl Address {
    /// The URL of a page.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
