//! An event as it is given on the command line: by a template, a file or standard input, with
//! single values set.

pub(crate) mod input;

pub(crate) mod template;

pub(crate) mod make;

pub(crate) mod set;

mod schema;

pub(crate) mod events;

pub(crate) mod header;

use std::path::PathBuf;

use set::Setting;

/// The options that say what an event holds.
#[derive(clap::Args, Debug)]
pub(crate) struct Given {
    /// JSON values on standard input, which is not read otherwise
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true, conflicts_with = "file")]
    pub(crate) stdin: Option<String>,

    /// A file of JSON values, one or more; - is standard input
    #[arg(short, long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,

    /// A value of the event, by its path; repeatable
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) settings: Vec<Setting>,
}
