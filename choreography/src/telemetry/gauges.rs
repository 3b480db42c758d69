//! Values that stand until they change. They are asked for when metrics are collected, so that a
//! partition that went to another instance is no longer told of here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::attributes::{DESTINATION, PARTITION};
use super::names::Names;

#[derive(Debug, Default)]
pub(super) struct Gauges(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    lags: Mutex<HashMap<String, HashMap<i32, Lag>>>,
    single: Mutex<Single>,
}

#[derive(Debug)]
struct Lag {
    attributes: [KeyValue; 2],
    records: i64,
    seconds: f64,
}

/// Those without attributes; `None` until they are told.
#[derive(Clone, Copy, Debug, Default)]
struct Single {
    owed: Option<i64>,
    owed_seconds: Option<f64>,
    timers: Option<i64>,
    timers_late_seconds: Option<f64>,
    gaps: Option<i64>,
    dead_letter_limit: Option<i64>,
}

impl Gauges {
    pub(super) fn new(meter: &Meter) -> Self {
        let gauges = Self::default();
        gauges.numbers(
            meter,
            ("choreography.lag", "{record}"),
            "Records not handled yet",
            |values, tell| values.each_lag(|lag| tell.observe(lag.records, &lag.attributes)),
        );
        gauges.seconds(
            meter,
            "choreography.lag.time",
            "How long the service has been behind in a partition",
            |values, tell| values.each_lag(|lag| tell.observe(lag.seconds, &lag.attributes)),
        );
        gauges.numbers(
            meter,
            ("choreography.owed", "{record}"),
            "Answers kept in the database until Kafka has acknowledged them",
            |values, tell| observe(tell, values.single().owed),
        );
        gauges.seconds(
            meter,
            "choreography.owed.age",
            "How long the oldest answer has been owed",
            |values, tell| observe(tell, values.single().owed_seconds),
        );
        gauges.numbers(
            meter,
            ("choreography.timers.waiting", "{timer}"),
            "Timers that wait",
            |values, tell| observe(tell, values.single().timers),
        );
        gauges.seconds(
            meter,
            "choreography.timers.late",
            "How long the first timer that is due has been so",
            |values, tell| observe(tell, values.single().timers_late_seconds),
        );
        gauges.numbers(
            meter,
            ("choreography.gaps", "{partition}"),
            "Partitions not heard, as records were gone before they were heard",
            |values, tell| observe(tell, values.single().gaps),
        );
        gauges.numbers(
            meter,
            ("choreography.dead_letter_limit", "1"),
            "Whether nothing passes, as too much became dead letters",
            |values, tell| observe(tell, values.single().dead_letter_limit),
        );
        gauges
    }

    fn numbers(
        &self,
        meter: &Meter,
        (name, unit): (&'static str, &'static str),
        description: &'static str,
        observe: impl Fn(&Values, &dyn AsyncInstrument<i64>) + Send + Sync + 'static,
    ) {
        let values = Arc::clone(&self.0);
        let gauge = meter.i64_observable_gauge(name).with_unit(unit).with_description(description);
        gauge.with_callback(move |tell| observe(&values, tell)).build();
    }

    fn seconds(
        &self,
        meter: &Meter,
        name: &'static str,
        description: &'static str,
        observe: impl Fn(&Values, &dyn AsyncInstrument<f64>) + Send + Sync + 'static,
    ) {
        let values = Arc::clone(&self.0);
        let gauge = meter.f64_observable_gauge(name).with_unit("s").with_description(description);
        gauge.with_callback(move |tell| observe(&values, tell)).build();
    }

    pub(super) fn lag(
        &self,
        names: &Names,
        topic: &str,
        partition: i32,
        records: i64,
        seconds: f64,
    ) {
        let mut lags = lock(&self.0.lags);
        if !lags.contains_key(topic) {
            lags.insert(topic.to_owned(), HashMap::new());
        }
        let attributes = || {
            [
                KeyValue::new(DESTINATION, names.text(topic)),
                KeyValue::new(PARTITION, names.number(partition)),
            ]
        };
        if let Some(partitions) = lags.get_mut(topic) {
            let new = || Lag { attributes: attributes(), records, seconds };
            let lag = partitions.entry(partition).or_insert_with(new);
            (lag.records, lag.seconds) = (records, seconds);
        }
    }

    pub(super) fn forget_lag(&self, topic: &str, partition: i32) {
        if let Some(partitions) = lock(&self.0.lags).get_mut(topic) {
            partitions.remove(&partition);
        }
    }

    pub(super) fn owed(&self, count: i64, oldest_ms: i64) {
        let mut single = lock(&self.0.single);
        (single.owed, single.owed_seconds) = (Some(count), Some(seconds(oldest_ms)));
    }

    pub(super) fn timers(&self, count: i64) {
        lock(&self.0.single).timers = Some(count);
    }

    pub(super) fn timers_late(&self, late_ms: i64) {
        lock(&self.0.single).timers_late_seconds = Some(seconds(late_ms));
    }

    pub(super) fn gaps(&self, partitions: usize) {
        lock(&self.0.single).gaps = i64::try_from(partitions).ok();
    }

    pub(super) fn dead_letter_limit(&self, is_reached: bool) {
        lock(&self.0.single).dead_letter_limit = Some(i64::from(is_reached));
    }
}

/// Milliseconds as seconds; what is negative, by clocks that differ, as none.
fn seconds(ms: i64) -> f64 {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default()).as_secs_f64()
}

fn observe<N>(tell: &dyn AsyncInstrument<N>, value: Option<N>) {
    if let Some(value) = value {
        tell.observe(value, &[]);
    }
}

impl Values {
    fn single(&self) -> Single {
        *lock(&self.single)
    }

    fn each_lag(&self, tell: impl Fn(&Lag)) {
        lock(&self.lags).values().flat_map(HashMap::values).for_each(tell);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
