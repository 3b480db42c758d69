//! Telemetry through its public interface: what a collector, a scraper and a reader of logs get.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect has failed")]

mod environment;

mod logs;

mod losing;

mod metrics;

mod receiver;

mod spans;
