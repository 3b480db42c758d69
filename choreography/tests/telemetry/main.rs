//! Telemetry through its public interface: what a collector, a scraper and a reader of logs get.

mod environment;

mod logs;

mod losing;

mod metrics;

mod receiver;

mod spans;
