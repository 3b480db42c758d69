//! The SDK's providers, made from the settings.

use std::sync::Arc;

use anyhow::Context;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::Registry;

use super::counts::Counts;
use super::log_queue::CountedLogProcessor;
use super::point_counts::CountedMetricExporter;
use super::queue::CountedProcessor;
use super::settings::Settings;

pub(super) fn tracers(
    settings: &Settings,
    resource: &Resource,
    counts: &Arc<Counts>,
) -> anyhow::Result<Option<SdkTracerProvider>> {
    let Some(otlp) = settings.traces.as_ref().filter(|_| !settings.disabled) else {
        return Ok(None);
    };
    let exporter = otlp.set(SpanExporter::builder().with_http()).build();
    let exporter = exporter.context("the exporter of spans")?;
    let (queue, value_chars_max) = (settings.span_queue, settings.value_chars_max);
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_sampler(settings.sampling.sampler())
        .with_span_limits(settings.limits)
        .with_span_processor(CountedProcessor::new(exporter, queue, value_chars_max, counts));
    tracing::info!(endpoint = otlp.endpoint, "spans are exported");
    Ok(Some(provider.build()))
}

pub(super) fn meters(
    settings: &Settings,
    resource: &Resource,
    registry: &Registry,
    counts: &Arc<Counts>,
) -> anyhow::Result<Option<SdkMeterProvider>> {
    if settings.disabled {
        return Ok(None);
    }
    // The scope is the same for all metrics, so its labels would only make lines longer.
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .context("the Prometheus text of metrics")?;
    let provider = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scraped);
    let Some(otlp) = &settings.metrics else { return Ok(Some(provider.build())) };
    let exporter = MetricExporter::builder().with_http().with_temporality(settings.temporality);
    let inner = otlp.set(exporter).build().context("the exporter of metrics")?;
    let exporter = CountedMetricExporter { inner, counts: Arc::clone(counts) };
    let pushed = PeriodicReader::builder(exporter).with_interval(settings.metrics_interval).build();
    tracing::info!(endpoint = otlp.endpoint, "metrics are exported");
    Ok(Some(provider.with_reader(pushed).build()))
}

pub(super) fn loggers(
    settings: &Settings,
    resource: &Resource,
    counts: &Arc<Counts>,
) -> anyhow::Result<Option<SdkLoggerProvider>> {
    let Some(otlp) = settings.logs.as_ref().filter(|_| !settings.disabled) else {
        return Ok(None);
    };
    let exporter = otlp.set(LogExporter::builder().with_http()).build();
    let exporter = exporter.context("the exporter of log lines")?;
    let provider = SdkLoggerProvider::builder()
        .with_resource(resource.clone())
        .with_log_processor(CountedLogProcessor::new(exporter, settings.log_queue, counts));
    Ok(Some(provider.build()))
}
