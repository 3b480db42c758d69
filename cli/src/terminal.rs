//! What a person sees: data on standard output; notes, progress, logs and errors on standard error.
//! Colours only on a terminal, and not with `NO_COLOR`.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use choreography::telemetry::{Environment, logs};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();

/// Whether the cursor stands behind a progress line, which whatever comes next has to clear.
static PROGRESS: AtomicBool = AtomicBool::new(false);

const CLEAR_LINE: &str = "\r\x1b[2K";

/// The text in a style, filled with spaces to `width` characters: on the right, so that a column
/// of it is aligned to the left.
pub(crate) fn left(text: &str, width: usize, style: Style) -> String {
    let fill = " ".repeat(width.saturating_sub(text.chars().count()));
    format!("{style}{text}{style:#}{fill}")
}

/// The same, aligned to the right.
pub(crate) fn right(text: &str, width: usize, style: Style) -> String {
    let fill = " ".repeat(width.saturating_sub(text.chars().count()));
    format!("{fill}{style}{text}{style:#}")
}

/// The first `width` characters of a text; what is cut shows as `…`.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{start}…")
}

/// Whether an event of this name is no good news, so that it is shown so.
pub(crate) fn is_refusal(name: &str) -> bool {
    ["Rejected", "Declined", "Cancelled"].iter().any(|end| name.ends_with(end))
}

/// A text of somebody else's that may stand on a terminal: what would steer it (control characters)
/// or turn the reading direction (bidirectional formatting) is written as an escape.
pub(crate) fn plain(text: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let escaped = |c: char| {
        if steers(c) { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(escaped).collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

/// Text as it is; other bytes as hexadecimal digits.
pub(crate) fn readable(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| format!("0x{}", hex(bytes, "")), plain)
}

/// As `hexdump -C` shows bytes: sixteen on a line, and what of them is ASCII.
pub(crate) fn dump(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut text = String::new();
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let graphic = |byte: &u8| if (0x20..0x7F).contains(byte) { char::from(*byte) } else { '.' };
        let ascii: String = bytes.iter().map(graphic).collect();
        // Writing to a String does not fail.
        let _ =
            writeln!(text, "{FAINT}{:08x}{FAINT:#}  {:<47}  |{ascii}|", 16 * line, hex(bytes, " "));
    }
    text
}

/// How many characters a line of standard output has; none if it is no terminal.
pub(crate) fn width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0))
}

/// Writes data to standard output; out: whether somebody still reads it.
///
/// # Errors
/// It cannot be written.
pub(crate) fn print_while_read(text: &str) -> io::Result<bool> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes data to standard output. Whoever reads it may have heard enough: that is no error.
///
/// # Errors
/// It cannot be written.
pub(crate) fn print(text: &str) -> io::Result<()> {
    print_while_read(text).map(|_| ())
}

/// Says on standard error what the user should know besides the data.
pub(crate) fn note(text: &str) {
    to_stderr(&format!("{FAINT}note: {text}{FAINT:#}\n"));
}

/// Says on standard error why the command failed, with all causes, on one line. Some libraries
/// repeat in an error what its cause says; that is left out.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let colon = if text.is_empty() { "" } else { ": " };
            text.push_str(colon);
            text.push_str(&cause);
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    to_stderr(&format!("{BAD}error:{BAD:#} {text}\n"));
}

/// Shows how far it is: on a terminal one line that is drawn again, elsewhere a line each time.
pub(crate) fn progress(text: &str) {
    if is_drawn_again() {
        to_stderr(text);
        PROGRESS.store(true, Ordering::Relaxed);
    } else {
        to_stderr(&format!("{text}\n"));
    }
}

/// Whether a line of progress is drawn over the one before it.
pub(crate) fn is_drawn_again() -> bool {
    io::stderr().is_terminal()
}

/// Takes the line of progress away.
pub(crate) fn end_progress() {
    to_stderr("");
}

/// Nothing can be done, and nobody told, if standard error is closed.
fn to_stderr(text: &str) {
    let clear = if PROGRESS.swap(false, Ordering::Relaxed) { CLEAR_LINE } else { "" };
    let _ = write!(anstream::stderr().lock(), "{clear}{text}");
}

/// Starts logging: warnings, and what `-v` or `RUST_LOG` asks for. Kafka's client tells of each try
/// to connect; without `-v` that is left out, as a command that fails says itself why.
pub(crate) fn start_logs(verbose: u8) {
    const LIBRARIES: &str = "rdkafka=warn,librdkafka=warn,sqlx=warn,opentelemetry=warn,hyper=warn";
    let default = match verbose {
        0 => "warn,librdkafka=off,rdkafka=off".to_owned(),
        1 => format!("info,{LIBRARIES}"),
        2 => format!("debug,{LIBRARIES}"),
        _ => "debug".to_owned(),
    };
    let environment = Environment::of_process();
    let asked = environment.get("RUST_LOG").map(EnvFilter::try_new);
    let filter = match asked {
        Some(Ok(filter)) => filter,
        Some(Err(_)) | None => EnvFilter::new(default),
    };
    let lines = logs::layer(false, || LogLines).with_filter(filter);
    // Nothing else in this process has started logging.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// Log lines beside a line of progress.
struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        to_stderr(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
