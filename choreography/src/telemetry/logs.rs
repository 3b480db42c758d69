//! Log lines on standard error: text on a terminal, JSON elsewhere.

use std::io::{self, IsTerminal, Write};

use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::environment::Environment;
use super::log_export::LogExport;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text if standard error is a terminal, else JSON.
    Auto,
    /// A line of text for each message.
    Text,
    /// A JSON object for each message.
    Json,
}

/// Starts logging for this process; a second call changes nothing. What is logged is set by
/// `RUST_LOG`; without it messages of `info` and above, of libraries `warn` and above, and of the
/// OpenTelemetry SDK what `OTEL_LOG_LEVEL` says. Out: what sends the same lines to a collector, once
/// it is given one.
pub fn init_logs(format: LogFormat) -> LogExport {
    let environment = Environment::of_process();
    let filter = || filter(&environment).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let json = match format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let export = LogExport::default();
    let started = tracing_subscriber::registry()
        .with(layer(json, io::stderr).with_filter(filter().and(filter_fn(shows_no_data))))
        .with(export.layer(filter().and(filter_fn(shows_no_data))));
    // An error means that logging has been started already.
    if started.try_init().is_ok()
        && let Err(error) = self::filter(&environment)
    {
        tracing::warn!(%error, "RUST_LOG is not valid: the default is used");
    }
    export
}

/// The layer that writes log lines; `json` or text. For tests that read them; else [`init_logs`].
pub fn layer<W>(json: bool, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // No colours: then no control character of a line is ours, and all are escaped in one place.
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Escaped(writer));
    if json { Box::new(layer.json().flatten_event(true)) } else { Box::new(layer) }
}

/// What `RUST_LOG` cannot turn on: lines of libraries that show the values of what they are given, and so
/// personal data. At `debug` tokio-postgres shows the parameters of each statement; apache-avro shows
/// values that do not fit a schema, and the codec tells these faults itself.
const SHOW_DATA: [(&str, LevelFilter); 2] =
    [("tokio_postgres", LevelFilter::INFO), ("apache_avro", LevelFilter::OFF)];

fn shows_no_data(metadata: &Metadata<'_>) -> bool {
    let of_target = |(name, _): &&(&str, LevelFilter)| metadata.target().starts_with(name);
    SHOW_DATA.iter().filter(of_target).all(|(_, limit)| *metadata.level() <= *limit)
}

const DEFAULT: &str = "info,rdkafka=warn,librdkafka=warn,sqlx=warn,opentelemetry=warn";

fn filter(environment: &Environment) -> Result<EnvFilter, ParseError> {
    match environment.get("RUST_LOG") {
        Some(directives) => EnvFilter::try_new(directives),
        None => {
            let level = otel_level(environment).ok().flatten();
            let sdk = level.map(|level| format!(",opentelemetry={level}"));
            EnvFilter::try_new(format!("{DEFAULT}{}", sdk.unwrap_or_default()))
        }
    }
}

/// The level of the SDK's own messages, if it is set.
///
/// # Errors
/// What is allowed.
pub(super) fn otel_level(environment: &Environment) -> anyhow::Result<Option<&'static str>> {
    const LEVELS: [(&str, &str); 7] = [
        ("none", "off"),
        ("error", "error"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("info", "info"),
        ("debug", "debug"),
        ("trace", "trace"),
    ];
    let name = "OTEL_LOG_LEVEL";
    let Some(value) = environment.get(name).map(str::to_ascii_lowercase) else { return Ok(None) };
    let found = LEVELS.iter().find(|(level, _)| *level == value);
    anyhow::ensure!(
        found.is_some(),
        "{name}={value}: allowed are none, error, warn, info, debug and trace"
    );
    Ok(found.map(|(_, level)| *level))
}

/// Escapes control characters, so that what other systems send can neither start a line of its own
/// nor give orders to a terminal. tracing-subscriber does that for some of them, and not for line
/// feeds; JSON leaves those above U+007E as they are.
struct Escaped<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Escaped<W> {
    type Writer = EscapedLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapedLine(self.0.make_writer())
    }
}

/// A writer to which whole lines are given, each by one call of `write_all`.
struct EscapedLine<W>(W);

impl<W: Write> Write for EscapedLine<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (text.as_ref(), ""),
        };
        let mut escaped = String::with_capacity(line.len());
        for character in text.chars() {
            match character {
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                other if other.is_control() => {
                    escaped.push_str(&format!("\\u{:04x}", u32::from(other)));
                }
                other => escaped.push(other),
            }
        }
        escaped.push_str(end);
        self.0.write_all(escaped.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
